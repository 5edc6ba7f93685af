# bash completion for umctl: the command itself knows what may stand where
# SPDX-License-Identifier: LGPL-2.1-or-later
_umctl() {
	local words=("${COMP_WORDS[@]:1:COMP_CWORD}") candidate
	COMPREPLY=()
	while IFS= read -r candidate; do
		candidate=${candidate//>/\\>} # "rsa>=3072" is no redirection
		COMPREPLY+=("${candidate//\*/\\*}")
	done < <(umctl complete "${words[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _umctl umctl
