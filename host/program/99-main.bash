# ---- the command line ---------------------------------------------------------------------------------------------------------------------------

main() {
  local verb=${1-}
  [[ $verb =~ ^[a-z]+$ && $(type -t "verb_$verb") == function ]] || die "unknown verb '$verb'; one of $(declare -F | sed -n 's/^declare -f verb_//p' | tr '\n' ' ')"
  shift
  case $verb in
    up | ready | reload) [[ $# -eq 1 && $1 =~ ^[A-Za-z0-9_=+.-]{1,15}$ ]] || die "$verb needs the name of an interface" ;;
    boot | report | doctor | status | failover) [[ $# -eq 0 ]] || die "$verb takes no arguments" ;;
  esac
  "verb_$verb" "$@"
}
main "$@"
