/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The age of passwords (FEATURES C2): which questions an expired one is held against, and what the
 * person is told.  policy decides; authorize.c counts. */

#include "umd/core/login.h"

/* Work at a set time has nobody who could change it (SECURITY Q2), nor has root who becomes
 * somebody; a screen that is unlocked opens nothing new.  What happens inside a session of his is
 * no further login.  shown NULL: account was asked before, or it is no login. */
PolicyExpiry core_expiry_of(const LoginWords *words, PolicyProof proof, const Shown *shown) {
        ServiceClass class = core_service_class(words->service);

        if (class == SERVICE_SCHEDULED || (class == SERVICE_SWITCH && proof == POLICY_PROOF_NONE) ||
            (shown && shown->exempt))
                return POLICY_EXPIRY_EXEMPT;
        return shown && shown->login && class != SERVICE_ELEVATE &&
                               words->origin.place != PLACE_SELF
                       ? POLICY_EXPIRY_LOGIN
                       : POLICY_EXPIRY_CHANGE;
}

uint64_t core_password_expires(const StoreCredential *credential, const PolicyValues *values) {
        return policy_password_expires(credential->password_changed_usec,
                                       credential->password_expires_usec,
                                       values->password_max_age_usec);
}

/* Logins that are left with an expired password, this one counted. */
static void left_write(const Judged *judged, const char *what, Text *text) {
        uint32_t left = policy_grace_left(&judged->facts, judged->decision.grace_login);

        if (left == 0)
                base_text_addf(text, "this is the last login that %s.", what);
        else
                base_text_addf(text, "%u more login%s %s.", left, left == 1 ? "" : "s", what);
}

void core_age_write(const Judged *judged, Text *text) {
        const PolicyFacts *facts = &judged->facts;
        char when[32];

        core_moment_write(facts->password_expires_usec, when);
        if (judged->decision.verdict == POLICY_RENEW) {
                base_text_add(text, judged->decision.reason == POLICY_REASON_PASSWORD_EXPIRED
                                            ? "Your password has expired and must be changed."
                                            : "Your password must be changed.");
                if (!judged->decision.grace_login)
                        return;
                base_text_addf(text, " It expired on %s: ", when);
                left_write(judged, "may change it", text);
        } else if (judged->decision.grace_login) {
                base_text_addf(text, "Your password expired on %s. Change it with passwd: ", when);
                left_write(judged, "may go without", text);
        } else if (policy_password_warn(facts))
                base_text_addf(text, "Your password expires on %s. Change it with passwd.", when);
}
