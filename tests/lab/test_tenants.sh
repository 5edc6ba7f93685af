#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One store on two booted hosts, one of tenant acme, one of globex: the same people hold other roles on each, and what
# they may do differs in all respects: logins, groups, sudo, the API. And whoever has a part of the API has that part.
set -uo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"

PW=Quartz-lamp-41

um() {
        lab_exec umctl "$@"
}

# as USER COMMAND...: umctl as one of um's users
as() {
        local uid
        uid=$(lab_enter id -u "$1") || return
        shift
        lab_exec setpriv --reuid="$uid" --regid="$uid" --clear-groups umctl "$@"
}

groups_of() {
        lab_enter id -nG "$1" | tr ' ' '\n'
}

# in_by_ssh USER COMMAND...
in_by_ssh() {
        local user=$1
        shift
        lab_ssh "$user" $PW "$@"
}

sudo_by_ssh() {
        lab_talk "$(lab_ssh_line "$1" "sudo -p SUDO: /usr/bin/id -u")" 'assword: ' $PW 'SUDO:' $PW
}

# The first host's store and key on the second, which is of another tenant.
second_host() {
        lab_install "$LAB_DEBS"/*.deb || return
        lab_sh 'systemctl stop umd.socket umd.service um-vault.socket um-vault.service; rm -rf /var/lib/um /var/lib/um-vault'
        lab_enter tar -C /var/lib -xpf - <"$STORE" || return
        lab_sh 'echo "tenant = globex" >>/etc/um/um.conf; systemctl start umd.socket um-vault.socket umd.service'
}

last_change() {
        um audit log --type change --limit 1 --json | grep -o '"seq": *[0-9]*'
}

lab_begin
lab_debs
STORE=$LAB/store.tar
ck "the packages install" lab_install "$LAB_DEBS"/*.deb
ck "two tenants" lab_sh 'umctl tenant add acme && umctl tenant add globex'
ck "this host is acme's" lab_sh 'mkdir -p /etc/um; echo "tenant = acme" >>/etc/um/um.conf; systemctl reload umd'
ck "and says so" eventually 5 has 'tenant: acme$' um status
for user in bob carol tess audrey boss; do
        um user add $user --email $user@acme.example >/dev/null
        lab_exec umctl user passwd $user <<<$PW >/dev/null
done
um sudo add whoami --command '/usr/bin/id -u' >/dev/null
um role add operator --inherit member --linux-group adm --permit sudo.whoami >/dev/null
um role add auditor --inherit viewer --permit audit.view >/dev/null
ck "bob is operator at acme" um role grant operator bob --tenant acme
ck "and viewer at globex" um role grant viewer bob --tenant globex
um role grant member carol --tenant acme >/dev/null
um role grant technician tess --tenant acme >/dev/null
um role grant auditor audrey --tenant acme >/dev/null
um role grant tenant-admin boss --tenant acme >/dev/null
# who has to have a second factor has time to enrol one
um user add gina --email gina@globex.example --tenant globex >/dev/null
lab_exec umctl user passwd gina <<<$PW >/dev/null
um user add ann --email ann@acme.example >/dev/null
um role grant admin ann --tenant acme >/dev/null

# ---- who has a part of the API has that part
ck "a technician resets a member" has 'one-time code|setup code|code' as tess user passwd carol --setup-code
lab_exec umctl user passwd carol <<<$PW >/dev/null
ck "and not an admin" has 'ann: may do more than you' refused as tess user passwd ann --setup-code
ck "nor a tenant's admin" has 'boss: may do more than you' refused as tess user passwd boss --setup-code
before=$(last_change)
ck "an auditor reads users" has carol as audrey user list
ck "roles" has operator as audrey role list
ck "policy values" as audrey policy show
ck "and the log" has 'role.grant' as audrey audit log --user bob
for change in 'user set carol --title x' 'user lock carol' 'user passwd carol --setup-code' 'user delete carol --yes' 'user add eve' \
        'role grant viewer carol' 'role revoke member carol --tenant acme' 'role add eve' 'group add eve' 'policy set lockout.window 1h' \
        'tenant set acme --title x' 'sudo add eve --command /bin/true' 'app unregister crm --yes'; do
        # shellcheck disable=SC2086
        ck "an auditor may not: $change" has 'this needs the permission' refused as audrey $change
done
ck "nothing was changed by it" has "^$before$" last_change
ck "an admin of a tenant makes a user there" as boss user add newcomer --email new@acme.example
ck "sees no user of another" lacks gina as boss user list
ck "nor is told that there is one" has 'gina: no such user' refused as boss user show gina
ck "and grants nothing in another" has 'globex: no such tenant' refused as boss role grant member carol --tenant globex
ck "nor in all" refused as boss role grant member carol --tenant all
ck "nor makes roles, which are of all" has 'role.edit' refused as boss role add eve
ck "nor tenants" has 'tenant.create' refused as boss tenant add eve

# ---- the same people on two hosts
ck "acme: bob comes in" in_by_ssh bob true
ck "acme: and is in adm" has '^adm$' groups_of bob
ck "acme: and runs the command" eventually 5 has '^0' sudo_by_ssh bob
ck "acme: gina has no role here, and does not come in" refused in_by_ssh gina true
ck "acme: the log says why" has 'gina.*service-not-permitted|service-not-permitted.*gina' um audit log --user gina --outcome deny
lab_sh 'systemctl stop umd.socket umd.service um-vault.socket um-vault.service'
lab_enter tar -C /var/lib -cf - um um-vault >"$STORE"
lab_sh 'systemctl start umd.socket um-vault.socket umd.service'
lab_host globex
ck "a second host, of globex, with the same store" second_host
ck "globex: it says so" eventually 5 has 'tenant: globex$' um status
ck "globex: bob has the same uid" eventually 5 has '^uid=' lab_enter id bob
ck "globex: bob comes in" in_by_ssh bob true
ck "globex: is not in adm" lacks '^adm$' groups_of bob
ck "globex: runs nothing by sudo" has 'not allowed|may not run|not in the sudoers' refused sudo_by_ssh bob
ck "globex: no line of sudoers is his" refused lab_enter grep -s '^bob' /etc/sudoers.d/50-um
ck "globex: lists users by his role here" has gina as bob user list
ck "globex: carol has no role here, and does not come in" refused in_by_ssh carol true
ck "globex: gina does" in_by_ssh gina true
ck "globex: acme's technician has nothing here" has 'gina: no such user' refused as tess user passwd gina --setup-code
lab_host first
ck "acme: bob lists users of acme" has carol as bob user list
ck "acme: and still runs the command" has '^0' sudo_by_ssh bob
ck "acme: and is in adm" has '^adm$' groups_of bob
checks_done
