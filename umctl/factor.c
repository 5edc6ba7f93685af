/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umctl self 2fa, user 2fa: second factors.
 *
 * Who changes his own proves first that it is he, in a dialogue with umd; its id goes with the one
 * change.  A key and recovery codes are seen once: on a terminal, with the key as a QR code too, or
 * as text in a pipe; in JSON only where --reveal asks for it.  Codes and passwords come from the
 * terminal or standard input. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qr/qr.h"
#include "umctl/umctl.h"

#define CODE_TRIES 3

/* ---- what there is --------------------------------------------------------------------------- */

static int factors_read(sd_bus_message *m, json_t *list) {
        int r = sd_bus_message_enter_container(m, 'a', "(usbstti)");

        while (r >= 0) {
                uint64_t created, used;
                const char *method, *label;
                uint32_t number;
                int active, left;
                json_t *row;

                r = sd_bus_message_read(m, "(usbstti)", &number, &method, &active, &label, &created,
                                        &used, &left);
                if (r <= 0)
                        break;
                row = json_pack("{s:I, s:s, s:s, s:I}", "number", (json_int_t)number, "method",
                                method, "state", active ? "active" : "pending", "created",
                                (json_int_t)created);
                if (label[0])
                        json_object_set_new(row, "label", json_string(label));
                if (used > 0)
                        json_object_set_new(row, "last_used", json_integer((json_int_t)used));
                if (left >= 0)
                        json_object_set_new(row, "codes_left", json_integer(left));
                if (!row || json_array_append_new(list, row) < 0)
                        return -ENOMEM;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int factors_get(Ctl *ctl, const char *name, json_t **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        json_t *list;
        int r = user_message_new(ctl, name, "ListFactors", &m);

        if (r == 0)
                r = ctl_call(ctl, m, &reply);
        if (r != 0)
                return r;
        list = json_array();
        r = factors_read(reply, list);
        if (r < 0) {
                json_decref(list);
                return ctl_bad_reply(ctl, r);
        }
        *ret = list;
        return 0;
}

static int factor_list(Ctl *ctl, const char *name) {
        static const char *const columns[] = { "number",  "method",    "state",     "label",
                                               "created", "last_used", "codes_left" };
        json_t *list = NULL;
        int r = factors_get(ctl, name, &list);

        if (r == 0)
                r = table_print(ctl, "factors", list, columns, ARRAY_LENGTH(columns), true);
        json_decref(list);
        return r;
}

/* ---- who he is ------------------------------------------------------------------------------- */

static int proof_refused(const Ctl *ctl, const WireStep *step) {
        char text[2 * WIRE_TEXT_MAX];

        if (step->verdict == WIRE_VERDICT_UNAVAILABLE)
                return complain(ctl, EXIT_NOT_REACHABLE,
                                "um cannot do it now; nothing was changed");
        if (step->verdict == WIRE_VERDICT_BAD_PROOF)
                return complain(ctl, EXIT_REFUSED,
                                "the password or the code is wrong; nothing was changed");
        if (step->verdict == WIRE_VERDICT_RENEW)
                return complain(ctl, EXIT_REFUSED,
                                "the password has to be changed first: umctl self passwd");
        base_escape(step->text, strlen(step->text), text, sizeof(text));
        return complain(ctl, EXIT_REFUSED, "%s; nothing was changed", text[0] ? text : "refused");
}

/* ret_login is taken for one change. */
static int proof_by(Ctl *ctl, const char *operation, const char *name, char *ret_login) {
        const WireContext context = {
                .operation = operation,
                .user = name,
                .service = "umctl",
        };
        bool dry_run = ctl->dry_run;
        WireStep step;
        int r;

        ctl->dry_run = false; /* he proves it for a dry run too */
        r = dialogue_run(ctl, &context, ret_login, &step);
        ctl->dry_run = dry_run;
        if (r != 0)
                return r;
        if (step.kind == WIRE_STEP_DONE && step.verdict == WIRE_VERDICT_ALLOW)
                return 0;
        return proof_refused(ctl, &step);
}

static int proof_give(Ctl *ctl, const char *name, char *ret_login) {
        return proof_by(ctl, WIRE_OPERATION_AUTHENTICATE, name, ret_login);
}

/* ---- recovery codes -------------------------------------------------------------------------- */

/* Reads "as": into JSON where they are asked for, else prints them. */
static int codes_take(const Ctl *ctl, sd_bus_message *m, json_t *more) {
        json_t *list = option_given(ctl, "reveal") ? json_array() : NULL;
        const char *code;
        size_t n = 0;
        int r = sd_bus_message_enter_container(m, 'a', "s");

        while (r >= 0 && (r = sd_bus_message_read(m, "s", &code)) > 0) {
                if (list)
                        json_array_append_new(list, json_string(code));
                else if (ctl->json == JSON_OFF) {
                        if (n++ == 0)
                                printf("Recovery codes, each for one login without the factor. "
                                       "They are not shown again:\n");
                        printf("  %s\n", code);
                }
        }
        if (list && json_array_size(list) > 0)
                json_object_set(more, "recovery_codes", list);
        json_decref(list);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The answer to a change that may hand out codes. */
static int codes_reply(const Ctl *ctl, sd_bus_message *reply, const char *name, const char *done) {
        json_t *more = json_object();
        const char *change;
        int r = codes_take(ctl, reply, more);

        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &change);
        if (r < 0) {
                json_decref(more);
                return ctl_bad_reply(ctl, r);
        }
        return ctl_print_change(ctl, "user", name, done, change, more);
}

/* Things that are seen once are not put into a document that is kept, unless one means it. */
static int check_reveal(const Ctl *ctl) {
        if (ctl->json == JSON_OFF && option_given(ctl, "reveal"))
                return complain(ctl, EXIT_USAGE, "--reveal goes with --json");
        if (ctl->json != JSON_OFF && !option_given(ctl, "reveal"))
                return complain(ctl, EXIT_USAGE,
                                "what is shown once comes as JSON only with --reveal");
        return 0;
}

static int self_recovery(Ctl *ctl, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        char login[WIRE_LOGIN_ID_BYTES + 1];
        int r = check_reveal(ctl);

        if (r == 0)
                r = proof_give(ctl, name, login);
        if (r == 0)
                r = user_message_new(ctl, name, "CreateRecoveryCodes", &m);
        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "s", login);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_send(ctl, m, &reply);
        return r != 0 ? r : codes_reply(ctl, reply, name, "given recovery codes");
}

/* ---- a new one ------------------------------------------------------------------------------- */

static int number_append(const Ctl *ctl, sd_bus_message *m, const char *option, uint64_t max) {
        uint64_t number;
        int r;

        if (!option_given(ctl, option))
                return 0;
        if (base_parse_u64(option_get(ctl, option), 1, max, &number) < 0)
                return complain(ctl, EXIT_USAGE, "--%s: \"%s\": not a number from 1 to %llu",
                                option, option_get(ctl, option), (unsigned long long)max);
        r = sd_bus_message_append(m, "{sv}", option, "u", (uint32_t)number);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

static int factor_append(const Ctl *ctl, sd_bus_message *m, const char *login, const char *method) {
        static const char *const texts[] = { "label", "algorithm" };
        int r = sd_bus_message_append(m, "s", login);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "method", "s", method);
        for (size_t i = 0; r >= 0 && i < ARRAY_LENGTH(texts); i++)
                if (option_given(ctl, texts[i]))
                        r = sd_bus_message_append(m, "{sv}", texts[i], "s",
                                                  option_get(ctl, texts[i]));
        if (r < 0)
                return complain(ctl, EXIT_USAGE, "--label: must be UTF-8");
        r = number_append(ctl, m, "digits", 100);
        if (r == 0)
                r = number_append(ctl, m, "period", 86400);
        if (r != 0)
                return r;
        r = sd_bus_message_close_container(m);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r)) : 0;
}

static void qr_print(const char *uri) {
        char *drawn = malloc(QR_DRAWN_MAX);

        if (drawn && qr_draw(uri, drawn) == 0)
                printf("\n%s\n", drawn);
        if (drawn)
                base_wipe(drawn, QR_DRAWN_MAX);
        free(drawn);
}

/* Four by four, as one types it. */
static void key_print(const char *key) {
        printf("Key: ");
        for (size_t i = 0; key[i]; i++)
                printf("%s%c", i > 0 && i % 4 == 0 ? " " : "", key[i]);
        printf("\n");
}

static void key_show(const Ctl *ctl, uint32_t number, const char *key, const char *uri) {
        if (ctl->json != JSON_OFF) {
                json_print(ctl, NULL,
                           json_pack("{s:I, s:s, s:s}", "number", (json_int_t)number, "key", key,
                                     "uri", uri));
                return;
        }
        if (isatty(STDOUT_FILENO) == 1)
                qr_print(uri);
        else
                printf("%s\n", uri);
        key_print(key);
        printf("Scan the picture or type the key into an authenticator app, then give the code it "
               "shows.\n");
}

static int confirm_by(Ctl *ctl, const char *name, uint32_t number, const void *code, size_t len) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r = user_message_new(ctl, name, "ConfirmFactor", &m);

        if (r != 0)
                return r;
        (void)sd_bus_message_sensitive(m);
        r = sd_bus_message_append(m, "u", number);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', code, len);
        if (r < 0)
                return complain(ctl, EXIT_FAILED, "%s", strerror(-r));
        r = ctl_send(ctl, m, &reply);
        return r != 0 ? r : codes_reply(ctl, reply, name, "given a second factor");
}

/* Until it counts for something; a wrong code may be typed again at a terminal. */
static int confirm(Ctl *ctl, const char *name, uint32_t number) {
        int r = EXIT_USAGE;

        for (int i = 0; i < CODE_TRIES && r == EXIT_USAGE; i++) {
                _cleanup_secret_ Secret *code = NULL;

                r = ask_code(ctl, "Code: ", &code);
                if (r != 0)
                        return r;
                r = confirm_by(ctl, name, number, base_secret_bytes(code), base_secret_len(code));
                if (isatty(STDIN_FILENO) != 1)
                        break;
        }
        return r;
}

static int self_enrol(Ctl *ctl, const char *name, const char *method) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        char login[WIRE_LOGIN_ID_BYTES + 1];
        bool is_key = strcmp(method, "fido2") == 0; /* it is touched in the login before */
        const char *key, *uri, *change;
        uint32_t number;
        int r;

        if (!is_key && strcmp(method, "totp") != 0 && strcmp(method, "hotp") != 0)
                return complain(ctl, EXIT_USAGE, "\"%s\": must be totp, hotp or fido2", method);
        r = check_reveal(ctl);
        if (r == 0)
                r = is_key ? proof_by(ctl, WIRE_OPERATION_ENROL_KEY, name, login)
                           : proof_give(ctl, name, login);
        if (r == 0)
                r = user_message_new(ctl, name, "EnrolFactor", &m);
        if (r == 0)
                r = factor_append(ctl, m, login, method);
        if (r == 0)
                r = ctl_send(ctl, m, &reply);
        if (r != 0)
                return r;
        (void)sd_bus_message_sensitive(reply);
        r = sd_bus_message_read(reply, "usss", &number, &key, &uri, &change);
        if (r < 0)
                return ctl_bad_reply(ctl, r);
        if (ctl->dry_run)
                return ctl_print_change(ctl, "user", name, "given a second factor", change, NULL);
        if (is_key)
                return confirm_by(ctl, name, number, "", 0);
        key_show(ctl, number, key, uri);
        return confirm(ctl, name, number);
}

/* ---- taking away ----------------------------------------------------------------------------- */

static int number_read(const Ctl *ctl, const char *text, uint32_t *ret) {
        uint64_t number;

        if (base_parse_u64(text, 1, UINT32_MAX, &number) < 0)
                return complain(ctl, EXIT_USAGE, "\"%s\": not the number of a factor (list)", text);
        *ret = (uint32_t)number;
        return 0;
}

/* login "": by root. */
static int factor_remove(Ctl *ctl, const char *name, uint32_t number, const char *login) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = user_message_new(ctl, name, "RemoveFactor", &m);

        if (r != 0)
                return r;
        r = sd_bus_message_append(m, "us", number, login);
        return r < 0 ? complain(ctl, EXIT_FAILED, "%s", strerror(-r))
                     : ctl_change(ctl, m, "user", "rid of a second factor");
}

static int self_remove(Ctl *ctl, const char *name, const char *text) {
        char login[WIRE_LOGIN_ID_BYTES + 1];
        uint32_t number = 0;
        int r = number_read(ctl, text, &number);

        if (r == 0)
                r = proof_give(ctl, name, login);
        return r != 0 ? r : factor_remove(ctl, name, number, login);
}

static int user_remove(Ctl *ctl, const char *name, const char *text) {
        uint32_t number = 0;
        int r = number_read(ctl, text, &number);

        return r != 0 ? r : factor_remove(ctl, name, number, "");
}

static int user_reset(Ctl *ctl, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = ask_confirm(ctl, "Take all second factors of %s away?", name);

        if (r == 0)
                r = user_message_new(ctl, name, "ResetFactors", &m);
        return r != 0 ? r : ctl_change(ctl, m, "user", "rid of all second factors");
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static int action_complain(const Ctl *ctl) {
        return complain(ctl, EXIT_USAGE, "%s", ctl->command->arguments);
}

int self_factor(Ctl *ctl, int argc, char *argv[]) {
        const char *name = self_name(ctl);

        if (!name)
                return EXIT_NOT_FOUND;
        if (strcmp(argv[0], "list") == 0 && argc == 1)
                return factor_list(ctl, name);
        if (strcmp(argv[0], "enrol") == 0 && argc == 2)
                return self_enrol(ctl, name, argv[1]);
        if (strcmp(argv[0], "recovery") == 0 && argc == 1)
                return self_recovery(ctl, name);
        if (strcmp(argv[0], "remove") == 0 && argc == 2)
                return self_remove(ctl, name, argv[1]);
        return action_complain(ctl);
}

int user_factor(Ctl *ctl, int argc, char *argv[]) {
        if (strcmp(argv[0], "list") == 0 && argc == 2)
                return factor_list(ctl, argv[1]);
        if (strcmp(argv[0], "remove") == 0 && argc == 3)
                return user_remove(ctl, argv[1], argv[2]);
        if (strcmp(argv[0], "reset") == 0 && argc == 2)
                return user_reset(ctl, argv[1]);
        return action_complain(ctl);
}
