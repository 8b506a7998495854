# SPDX-License-Identifier: MIT
# bash completion for quadboot(1). Commands and options are those that --help names, so
# that there is no second list of them here.

# Lines "  -s, --serial S   ..." of the help in the input become "--serial -s S"; what
# is missing becomes "-".
_quadboot_options() {
  sed -nE 's/^ +((-[a-z]), )?(--[a-z0-9-]+)( ([A-Z][^ ]*))?( .*)?$/\3 \2- \5-/p'
}

# The names of files with these suffixes, and of folders; of all files if there is none.
_quadboot_files() {
  local suffix found=
  for suffix in "$@"; do
    found+=$(compgen -f -X "!*.$suffix" -- "$current")$'\n'
  done
  [[ $found == *[!$'\n']* ]] || found=$(compgen -f -- "$current")$'\n'
  found+=$(compgen -d -- "$current")
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(sort -u <<<"$found" | sed '/^$/d')
}

_quadboot_words() {
  mapfile -t COMPREPLY < <(compgen -W "$*" -- "$current")
}

_quadboot_value() {
  case $1 in
    FILE | OUT.dfu) _quadboot_files dfu bin ;;
    PATH) mapfile -t COMPREPLY < <(compgen -G "${current:-/dev/tty[AU]}*") ;;
    DIR) compopt -o filenames 2>/dev/null
         mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac
}

_quadboot_argument() {
  case $1 in
    flash | verify | pack | show) _quadboot_files dfu elf hex bin uf2 ;;
    unpack) _quadboot_files dfu ;;
    read | erase) _quadboot_words internal qspi ;;
    serial) if [[ " ${COMP_WORDS[*]:2:COMP_CWORD-2} " == *" send "* ]]; then
              _quadboot_files dfu bin
            else
              _quadboot_words send console
            fi ;;
  esac
}

_quadboot() {
  local tool=${COMP_WORDS[0]} command=${COMP_WORDS[1]}
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local short long value options='--help --version'
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    [[ $current == -* ]] ||
      options=$("$tool" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p')
    _quadboot_words "$options"
    return
  fi
  options=
  while read -r long short value; do
    short=${short%-} value=${value%-}
    options+=" $short $long"
    if [[ -n $value && ($previous == "$long" || $previous == "$short") ]]; then
      _quadboot_value "$value"
      return
    fi
  done < <("$tool" "$command" --help 2>/dev/null | _quadboot_options)
  if [[ $current == -* ]]; then
    _quadboot_words "$options"
  else
    _quadboot_argument "$command"
  fi
}
complete -F _quadboot quadboot
