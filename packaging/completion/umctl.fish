# fish completion for umctl: the command itself knows what may stand where
# SPDX-License-Identifier: LGPL-2.1-or-later
function __umctl_complete
	set -l words (commandline -opc) (commandline -ct)
	umctl complete $words[2..-1] 2>/dev/null
end
complete -c umctl -f -a '(__umctl_complete)'
