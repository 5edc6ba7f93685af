/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl doctor's look at the services' files as they are written: in every service a refusal of
 * pam_um must be final, and root and local users must never meet it. */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "umctl/doctor.h"

/* Where libpam looks, in this order. */
#define PAM_ETC "/etc/pam.d"
#define PAM_LIB "/usr/lib/pam.d"

#define MEND_STACKS                                                                                \
        "pam-auth-update --package --force writes the common files; else the service's own file"

static const int refusals[] = { PAM_AUTH_ERR,         PAM_PERM_DENIED, PAM_ACCT_EXPIRED,
                                PAM_AUTHINFO_UNAVAIL, PAM_MAXTRIES,    PAM_SERVICE_ERR,
                                PAM_OPEN_ERR,         PAM_SYMBOL_ERR,  PAM_MODULE_UNKNOWN,
                                PAM_SYSTEM_ERR,       PAM_BUF_ERR,     PAM_CONV_ERR };

/* The stacks are judged with all other modules content. */
static void stack_judge(Doctor *doctor, const char *service, PamFacility facility,
                        const PamStack *stack) {
        static const char *const names[_PAM_FACILITY_MAX] = { "auth", "account", "session" };
        char check[288];

        snprintf(check, sizeof(check), "pam %s %s", service, names[facility]);
        for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++)
                if (pam_stack_run(stack, refusals[i], PAM_PERM_DENIED) == PAM_SUCCESS) {
                        doctor_find(doctor, LEVEL_FAIL, check, MEND_STACKS,
                                    "a refusal of pam_um (%s) is not final",
                                    pam_strerror(NULL, refusals[i]));
                        return;
                }
        if (pam_stack_run(stack, PAM_AUTHINFO_UNAVAIL, PAM_SUCCESS) !=
            pam_stack_run(stack, PAM_USER_UNKNOWN, PAM_SUCCESS)) {
                doctor_find(doctor, LEVEL_FAIL, check, MEND_STACKS,
                            "a local user meets pam_um: umd being away would lock him out");
                return;
        }
        if (pam_stack_run(stack, PAM_SUCCESS, PAM_PERM_DENIED) != PAM_SUCCESS) {
                doctor_find(doctor, LEVEL_FAIL, check, MEND_STACKS,
                            "a user of um is refused though pam_um lets him in");
                return;
        }
        if (pam_stack_run(stack, PAM_USER_UNKNOWN, PAM_PERM_DENIED) != PAM_SUCCESS) {
                doctor_find(doctor, LEVEL_WARN, check, MEND_STACKS,
                            "users of other sources (LDAP, homed) are refused: "
                            "user_unknown=ignore is missing");
                return;
        }
        doctor_find(doctor, LEVEL_OK, check, NULL, "a refusal is final, local users pass um by");
}

static void services_add(Doctor *doctor, const char *service, bool asks) {
        Service *new = &doctor->services[doctor->service_count];

        if (doctor->service_count == SERVICES_MAX || strlen(service) >= sizeof(new->name))
                return;
        snprintf(new->name, sizeof(new->name), "%s", service);
        new->asks = asks;
        doctor->service_count++;
}

/* A service that asks um, or checks passwords itself, has to ask um in all its phases. */
static void service_judge(Doctor *doctor, const char *service,
                          PamStack *const stacks[_PAM_FACILITY_MAX]) {
        const PamStack *auth = stacks[PAM_FACILITY_AUTH], *account = stacks[PAM_FACILITY_ACCOUNT],
                       *session = stacks[PAM_FACILITY_SESSION];
        bool asks = pam_stack_has(auth, "pam_um.so");
        char check[288];

        snprintf(check, sizeof(check), "pam %s", service);
        if (!pam_stack_has(account, "pam_um.so")) {
                if (asks)
                        doctor_find(doctor, LEVEL_FAIL, check,
                                    "let its account stack include common-account",
                                    "asks um for the password but not whether the account may "
                                    "enter");
                else if (pam_stack_has(account, "pam_unix.so") &&
                         pam_stack_run(account, PAM_SUCCESS, PAM_PERM_DENIED) == PAM_SUCCESS)
                        doctor_find(doctor, LEVEL_WARN, check,
                                    "let its account stack include common-account",
                                    "um is not asked: a locked user of um may pass");
                return;
        }
        services_add(doctor, service, asks);
        if (asks)
                stack_judge(doctor, service, PAM_FACILITY_AUTH, auth);
        else if (pam_stack_has(auth, "pam_unix.so"))
                doctor_find(doctor, LEVEL_FAIL, check, "let its auth stack include common-auth",
                            "asks um for the account but not for the password");
        stack_judge(doctor, service, PAM_FACILITY_ACCOUNT, account);
        if (pam_stack_has(session, "pam_um.so"))
                stack_judge(doctor, service, PAM_FACILITY_SESSION, session);
        else if (pam_stack_has(session, "pam_unix.so") || pam_stack_has(session, "pam_systemd.so"))
                doctor_find(doctor, LEVEL_WARN, check,
                            "let its session stack include common-session",
                            "um does not hear of its sessions, and makes no home");
}

static void service_check(Doctor *doctor, const char *service) {
        PamStack *stacks[_PAM_FACILITY_MAX] = { NULL };
        char where[512], check[288];
        int r = 0;

        for (PamFacility f = 0; f < _PAM_FACILITY_MAX && r >= 0; f++)
                r = pam_stack_read(PAM_ETC ":" PAM_LIB, service, f, &stacks[f], where,
                                   sizeof(where));
        snprintf(check, sizeof(check), "pam %s", service);
        if (r < 0)
                doctor_find(doctor, LEVEL_WARN, check, where, "cannot be read: %s: %s", where,
                            strerror(-r));
        else
                service_judge(doctor, service, stacks);
        for (PamFacility f = 0; f < _PAM_FACILITY_MAX; f++)
                pam_stack_free(stacks[f]);
}

static int service_compare(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int service_wanted(const struct dirent *e) {
        return e->d_name[0] != '.' && strncmp(e->d_name, "common-", 7) != 0 &&
               !strstr(e->d_name, ".dpkg-") && !strstr(e->d_name, ".pam-");
}

static void module_check(Doctor *doctor) {
        void *module = dlopen(DOCTOR_PAM_UM, RTLD_NOW | RTLD_LOCAL);

        if (!module || !dlsym(module, "pam_sm_acct_mgmt"))
                doctor_find(doctor, LEVEL_FAIL, "pam_um.so",
                            "apt-get install --reinstall libpam-um", "cannot be loaded: %s",
                            module ? "no pam_sm_acct_mgmt" : dlerror());
        else
                doctor_find(doctor, LEVEL_OK, "pam_um.so", NULL, "loads");
        if (module)
                dlclose(module);
}

static void folder_check(Doctor *doctor, const char *dir) {
        struct dirent **services;
        int n = scandir(dir, &services, service_wanted, service_compare);

        if (n < 0 && strcmp(dir, PAM_ETC) == 0)
                doctor_find(doctor, LEVEL_FAIL, "pam", "apt-get install libpam-runtime", "%s: %s",
                            dir, strerror(errno));
        for (int i = 0; i < n; i++) {
                char own[512];

                snprintf(own, sizeof(own), PAM_ETC "/%s", services[i]->d_name);
                if (strcmp(dir, PAM_ETC) == 0 || access(own, F_OK) < 0)
                        service_check(doctor, services[i]->d_name);
                free(services[i]);
        }
        if (n >= 0)
                free(services);
}

void doctor_pam(Doctor *doctor) {
        module_check(doctor);
        folder_check(doctor, PAM_ETC);
        folder_check(doctor, PAM_LIB);
        if (doctor->service_count == 0)
                doctor_find(doctor, LEVEL_FAIL, "pam",
                            "pam-auth-update --package --enable um um-password",
                            "no service asks um: its users cannot log in, and locked ones may "
                            "pass");
}
