# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logins by ssh key: which kinds of keys are let in, and what a security key counts as, by sshd's settings as umd reads them.
The keys are what ssh-keygen(1) made; the private halves nobody has."""

import os

from daemon import FIRST, Daemon, until
from factors import ALLOW, ASK_SHOWN, DENIED, DONE, KEY, PASSWORD, Dialogue, set_policy, user_with

RSA_2048 = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCu23qRWBZ1yJDOKDzpphObaLNhS8Kc7uzSbAgX8ZwwVnXDMEMlWweD/IseL2PPV0tb"
    "99+5J7IOzqA51Ro2NVTYVWlxyN2ZHmajSjUZyrk/pNZSSLBNNF8bitIpsnNQAMDNH5shvIwPg4v1s+U9nVfIGKKkBXwWCGQjkQcCbTtI"
    "4Nyhs9QFMQ2IZ2rJipY4/tJ1AHa37qcbCEEAajSyAVnw+NM47OaTU0JAIEMAtoTnw6pDfElw7WYReRsUfPs7wdVPC/auubTl3naePNjH"
    "boYuaB2HzQ5m9VsTYtmbn1bGFhomcWXAA+4E/IvXCPlPS0WAaW7pzVzuX+Z9vuOjr67X")
SK = (
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2E"
    "Kq5zZAsKn0EAAAABHNzaDo=")
SK_CERT = (
    "sk-ssh-ed25519-cert-v01@openssh.com AAAAI3NrLXNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIPKv3IKRhhYo"
    "BIAb+I9wT36BjxVVNFdvcIqDk24c70dVAAAAIAJy9Bqisl0a82lzXptklP/7vkZ6Vtz2EKq5zZAsKn0EAAAABHNzaDoAAAAAAAAAAAAA"
    "AAEAAAAFYWxpY2UAAAAJAAAABWFsaWNlAAAAAAAAAAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAA"
    "AAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAA"
    "AAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIHf9nlxq8s+s9OePXNLgTGAjPo49IvFQjKBVbSSb"
    "eMoaAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEBzs77fvu5jM9aoR4pEtdiVLicaLgNYNwoL4HGg6KRInDvvwMByggEYgkA7o+2y96o0YaqJ"
    "RvdD2F/3cfUEODEE")
VERIFY = "PubkeyAuthOptions verify-required\n"
OTHER_UID = 4242  # an unprivileged uid nobody has

checks = []


def check(function):
    checks.append(function)
    return function


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def line(key):
    return f"publickey {key}\n"


def served(umd):
    umd.start()
    until(lambda: umd.status()["vault_ok"])
    umd.create("alice")
    return umd


def opened(umd, auth_info, login=""):
    """OpenSession as pam_um asks for it: the verdict and the reason; the session is over at once."""
    context = {"user": ("s", "alice"), "service": ("s", "sshd"), "auth-info": ("s", auth_info)}
    with umd.peer() as root:
        reply = root.call("/org/um1", "org.um1.Login", "OpenSession", "a{sv}s", context, login, timeout=30)
        assert not reply.error, reply.error
        for fd in reply.fds:
            os.close(fd)
        return reply.args[:2]


def account(umd, auth_info="", login=""):
    context = {"user": ("s", "alice"), "service": ("s", "sshd"), "auth-info": ("s", auth_info)}
    return umd.call("/org/um1", "org.um1.Login", "Authorize", "a{sv}s", context, login)[:2]


def sshd_config(umd, text, name="sshd_config", read=True):
    """Writes settings of sshd's; read: and sshd has read them, a day from now."""
    (umd.etc / "ssh").mkdir(exist_ok=True)
    (umd.etc / "ssh").chmod(0o755)
    (umd.etc / "ssh" / name).write_text(text)
    (umd.etc / "ssh" / name).chmod(0o644)
    if read:
        umd.sshd_pid.write_text("1\n")
        later = (umd.etc / "ssh" / name).stat().st_ctime + 86400
        os.utime(umd.sshd_pid, (later, later))


@check
def a_key_of_a_kind_that_is_not_permitted_opens_no_session():
    with Daemon() as umd:
        served(umd)
        same(account(umd)[0], ALLOW)  # sshd does not say yet which key it was
        same(opened(umd, KEY)[0], ALLOW)
        same(opened(umd, line(RSA_2048)), [DENIED, "key-type"])
        same(opened(umd, line("ssh-ed25519 AAAA")), [DENIED, "key-type"])
        set_policy(umd, key_types="+rsa>=2048")
        same(opened(umd, line(RSA_2048))[0], ALLOW)
        set_policy(umd, key_types="sk-ssh-ed25519@openssh.com")
        same(opened(umd, KEY), [DENIED, "key-type"])
        same(opened(umd, line(SK))[0], ALLOW)
        same(opened(umd, line(SK_CERT))[0], ALLOW)
        same(opened(umd, line(SK) + KEY), [DENIED, "key-type"])
        same(opened(umd, "password\n")[0], ALLOW)
        umd.stop()
        umd.start()  # a value is kept as one text
        same(opened(umd, KEY), [DENIED, "key-type"])
        same(opened(umd, line(SK))[0], ALLOW)
        entry = umd.call("/org/um1", "org.um1.Audit", "List", "a{sv}tu", {"verb": ("s", "session.open")}, 0, 2)[0][1]
        same((entry["outcome"], entry["reason"]), ("deny", "key-type"))


@check
def a_security_key_is_hardware_where_sshd_verifies_its_user():
    with Daemon() as umd:
        served(umd)
        user_with(umd, "alice", "totp", FIRST, create=False)
        set_policy(umd, factor_required="hardware", factor_enrol__within="0")

        def asks(key):
            """Is she asked for more than the key?  What is proved without is carried on to her session."""
            with umd.peer() as peer:
                dialogue = Dialogue(umd, peer, "alice", auth_info=line(key))
                if dialogue.step[0] == ASK_SHOWN:
                    return True
                same((dialogue.step[0], dialogue.step[2]["verdict"]), (DONE, ALLOW))
                same(account(umd, line(key), dialogue.login)[0], ALLOW)
                same(opened(umd, line(key), dialogue.login)[0], ALLOW)
                return False

        def counts(why=""):
            status = umd.status()
            same((status["sk_keys"], status["sk_keys_why"].replace(f"{umd.etc}/ssh/", "")),
                 ("single" if why else "hardware", why))
            same((asks(SK), asks(SK_CERT)), (bool(why), bool(why)))
            assert asks(KEY.split(" ", 1)[1].strip()), "a key of software is no hardware"
            same(account(umd), [DENIED, "factor-required"])

        counts("sshd_config: No such file or directory")
        sshd_config(umd, "UsePAM yes\n")
        counts("sshd_config: sets no PubkeyAuthOptions verify-required that holds for everybody")
        sshd_config(umd, VERIFY + "Include more.conf\n")
        counts()
        sshd_config(umd, "PubkeyAuthOptions touch-required\n", "more.conf")
        counts("more.conf:1: PubkeyAuthOptions without verify-required")
        sshd_config(umd, "Match User bob\n" + VERIFY, "more.conf")
        counts()
        os.utime(umd.sshd_pid, (1, 1))
        counts("sshd has not read its settings since they were changed")


@check
def settings_that_umd_cannot_read_make_nothing_of_a_key():
    with Daemon(OTHER_UID) as umd:
        served(umd)
        sshd_config(umd, VERIFY)
        same(umd.status()["sk_keys"], "hardware")
        (umd.etc / "ssh/sshd_config").chmod(0o600)
        same(umd.status()["sk_keys_why"], f"{umd.etc}/ssh/sshd_config: Permission denied")
        set_policy(umd, factor_required="hardware", factor_enrol__within="0")
        same(opened(umd, line(SK))[0], DENIED)
        (umd.etc / "ssh/sshd_config").chmod(0o644)
        os.utime(umd.sshd_pid, (2**32, 2**32))
        same(opened(umd, line(SK))[0], ALLOW)
        with umd.peer(OTHER_UID + 1) as other:  # it is root's business how sshd is set up
            assert "sk_keys" not in umd.call("/org/um1", "org.um1.Manager", "Status", peer=other)[0]
