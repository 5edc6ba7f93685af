/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the judgement as they stand in the API, the audit log and FEATURES P.5.  They are a
 * contract with scripts: one is added, never changed.  A value out of range is "internal" or
 * "invalid", never NULL, since these go straight into messages. */

#include <string.h>

#include "policy/policy.h"

static const char *const status_names[_USER_STATUS_MAX] = {
        [USER_STATUS_INVALID] = "invalid",   [USER_STATUS_PENDING] = "pending",
        [USER_STATUS_ACTIVE] = "active",     [USER_STATUS_SUSPENDED] = "suspended",
        [USER_STATUS_INACTIVE] = "inactive", [USER_STATUS_DELETED] = "deleted",
};

static const char *const reason_names[_POLICY_REASON_MAX] = {
        [POLICY_REASON_INTERNAL] = "internal",
        [POLICY_REASON_NONE] = "none",
        [POLICY_REASON_UNKNOWN_USER] = "unknown-user",
        [POLICY_REASON_STATUS_PENDING] = "status-pending",
        [POLICY_REASON_STATUS_SUSPENDED] = "status-suspended",
        [POLICY_REASON_STATUS_INACTIVE] = "status-inactive",
        [POLICY_REASON_NOT_YET_VALID] = "not-yet-valid",
        [POLICY_REASON_EXPIRED] = "expired",
        [POLICY_REASON_LOCKED] = "locked",
        [POLICY_REASON_LOCKOUT] = "lockout",
        [POLICY_REASON_SOURCE_THROTTLED] = "source-throttled",
        [POLICY_REASON_KIND] = "kind",
        [POLICY_REASON_SERVICE_NOT_PERMITTED] = "service-not-permitted",
        [POLICY_REASON_KEY_TYPE] = "key-type",
        [POLICY_REASON_DEVICE_UNKNOWN] = "device-unknown",
        [POLICY_REASON_DEVICE_REQUIRED] = "device-required",
        [POLICY_REASON_BAD_PROOF] = "bad-proof",
        [POLICY_REASON_FACTOR_REQUIRED] = "factor-required",
        [POLICY_REASON_FACTOR_NOT_ENROLLED] = "factor-not-enrolled",
        [POLICY_REASON_STRENGTH] = "strength",
        [POLICY_REASON_FACTOR_ENROL] = "factor-enrol",
        [POLICY_REASON_PASSWORD_EXPIRED] = "password-expired",
        [POLICY_REASON_MUST_CHANGE] = "must-change",
        [POLICY_REASON_PASSWORD_GRACE_USED] = "password-grace-used",
};

static const char *const check_names[_POLICY_CHECK_MAX] = {
        [POLICY_CHECK_KNOWN] = "known",       [POLICY_CHECK_STATUS] = "status",
        [POLICY_CHECK_VALIDITY] = "validity", [POLICY_CHECK_LOCK] = "lock",
        [POLICY_CHECK_LOCKOUT] = "lockout",   [POLICY_CHECK_SOURCE] = "source",
        [POLICY_CHECK_KIND] = "kind",         [POLICY_CHECK_SERVICE] = "service",
        [POLICY_CHECK_KEY] = "key",           [POLICY_CHECK_PROOF] = "proof",
        [POLICY_CHECK_FACTOR] = "factor",     [POLICY_CHECK_PASSWORD] = "password",
};

static const char *const result_names[_POLICY_RESULT_MAX] = {
        [POLICY_NOT_REACHED] = "not-reached",
        [POLICY_PASSED] = "passed",
        [POLICY_FAILED] = "failed",
        [POLICY_NOT_APPLICABLE] = "not-applicable",
};

static const char *const verdict_names[_POLICY_VERDICT_MAX] = {
        [POLICY_DENY] = "deny",
        [POLICY_ALLOW] = "allow",
        [POLICY_RENEW] = "renew",
        [POLICY_ENROL] = "enrol",
};

static const char *const strength_names[_POLICY_STRENGTH_MAX] = {
        [POLICY_STRENGTH_NONE] = "none",         [POLICY_STRENGTH_SINGLE] = "single",
        [POLICY_STRENGTH_WEAK_MFA] = "weak-mfa", [POLICY_STRENGTH_MFA] = "mfa",
        [POLICY_STRENGTH_HARDWARE] = "hardware",
};

static const char *const key_names[_POLICY_KEY_MAX] = {
        [POLICY_KEY_OTHER] = "of an unknown kind",
        [POLICY_KEY_RSA_SHORT] = "rsa of fewer than 2048 bits",
        [POLICY_KEY_ED25519] = "ed25519",
        [POLICY_KEY_ECDSA_256] = "ecdsa-sha2-nistp256",
        [POLICY_KEY_ECDSA_384] = "ecdsa-sha2-nistp384",
        [POLICY_KEY_ECDSA_521] = "ecdsa-sha2-nistp521",
        [POLICY_KEY_RSA_2048] = "rsa of 2048 to 3071 bits",
        [POLICY_KEY_RSA_3072] = "rsa of 3072 to 4095 bits",
        [POLICY_KEY_RSA_4096] = "rsa of 4096 bits and more",
        [POLICY_KEY_SK_ED25519] = "sk-ssh-ed25519@openssh.com",
        [POLICY_KEY_SK_ECDSA] = "sk-ecdsa-sha2-nistp256@openssh.com",
};

static const char *name_at(const char *const *names, size_t count, unsigned int at,
                           const char *otherwise) {
        return at < count ? names[at] : otherwise;
}

const char *policy_status_name(UserStatus status) {
        return name_at(status_names, ARRAY_LENGTH(status_names), status, "invalid");
}

UserStatus policy_status_from_name(const char *name) {
        for (UserStatus s = USER_STATUS_PENDING; s < _USER_STATUS_MAX; s++)
                if (strcmp(status_names[s], name) == 0)
                        return s;
        return USER_STATUS_INVALID;
}

const char *policy_reason_name(PolicyReason reason) {
        return name_at(reason_names, ARRAY_LENGTH(reason_names), reason, "internal");
}

const char *policy_check_name(PolicyCheck check) {
        return name_at(check_names, ARRAY_LENGTH(check_names), check, "invalid");
}

const char *policy_result_name(PolicyResult result) {
        return name_at(result_names, ARRAY_LENGTH(result_names), result, "invalid");
}

const char *policy_verdict_name(PolicyVerdict verdict) {
        return name_at(verdict_names, ARRAY_LENGTH(verdict_names), verdict, "deny");
}

const char *policy_strength_name(PolicyStrength strength) {
        return name_at(strength_names, ARRAY_LENGTH(strength_names), strength, "none");
}

const char *policy_key_name(PolicyKey key) {
        return name_at(key_names, ARRAY_LENGTH(key_names), key, key_names[POLICY_KEY_OTHER]);
}
