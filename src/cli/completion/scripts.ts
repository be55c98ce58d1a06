/** What each shell needs to ask `tsumugi __complete`. Its answer: how, then a candidate a line, with a tab before what it is. */

const bash = String.raw`# Completion of tsumugi for bash: source <(tsumugi completion bash)
_tsumugi() {
  local program=${'$'}{COMP_WORDS[0]/#\~/$HOME} current=${'$'}{COMP_WORDS[COMP_CWORD]} how= value says
  local -a words=()
  local word
  # bash takes --name=value apart; a name and its value it is for us.
  for word in "${'$'}{COMP_WORDS[@]:1:COMP_CWORD}"; do
    [[ $word == = ]] || words+=("$word")
  done
  [[ $current == = ]] && words+=('') && current=
  COMPREPLY=()
  while IFS=$'\t' read -r value says; do
    if [[ -z $how ]]; then how=$value; else COMPREPLY+=("$value"); fi
  done < <("$program" __complete -- "${'$'}{words[@]}" 2>/dev/null)
  case $how in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    parts) compopt -o nospace 2>/dev/null ;;
  esac
}
complete -F _tsumugi tsumugi
`;

const zsh = String.raw`#compdef tsumugi
# Completion of tsumugi for zsh: source <(tsumugi completion zsh)
_tsumugi() {
  local how line value says tab=$'\t'
  local -a lines candidates
  lines=("${'$'}{(@f)$("${'$'}{words[1]}" __complete -- "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)}")
  how=${'$'}{lines[1]}
  for line in "${'$'}{(@)lines[2,-1]}"; do
    value=${'$'}{line%%$tab*}
    says=
    [[ $line == *$tab* ]] && says=${'$'}{line#*$tab}
    [[ -n $value ]] && candidates+=("${'$'}{value//:/\\:}${'$'}{says:+:$says}")
  done
  case $how in
    files) _files ;;
    folders) _files -/ ;;
    parts) _describe -t values tsumugi candidates -S '' ;;
    *) _describe -t values tsumugi candidates ;;
  esac
}
if [[ ${'$'}{funcstack[1]} == _tsumugi ]]; then _tsumugi "$@"; else compdef _tsumugi tsumugi; fi
`;

const fish = String.raw`# Completion of tsumugi for fish: tsumugi completion fish > ~/.config/fish/completions/tsumugi.fish
function __tsumugi_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l lines ($program __complete -- $words "$current" 2>/dev/null)
    test (count $lines) -gt 0; or return
    switch $lines[1]
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current"
        case '*'
            test (count $lines) -gt 1; and printf '%s\n' $lines[2..-1]
    end
end
complete -c tsumugi -f -a '(__tsumugi_complete)'
`;

export const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };
