# ---- files -------------------------------------------------------------------------------------------------------------------------------------

mode_of() {
  case $1 in usr/local/lib/wgchain/*) MODE=755 ;; etc/wireguard/* | etc/wgchain/keys/*) MODE=600 ;; *) MODE=644 ;; esac
}

make_directory() { # remembers what it made, for destroy
  [[ -n $1 && ! -d $1 ]] || return 0
  make_directory "${1%/*}"
  cmd mkdir -m "${2-0755}" -- "$1"
  [[ $DRY == 1 ]] || { [[ -d $FOUND ]] || mkdir -p "$FOUND"; printf '%s\n' "$1" >>"$FOUND/directories"; }
}

# A host without interfaces has none; an empty one would go with every prune, and be made anew by every deploy.
make_keys_directory() { [[ ! -s $TREE/etc/wgchain/interfaces ]] || make_directory "$KEYS" 0700; }

install_file() {
  local path=$1
  mode_of "$path"
  make_directory "/${path%/*}"
  CHANGED+=("$path")
  say "[#] install -m $MODE /$path"
  [[ $DRY == 0 ]] || return 0
  install -m "$MODE" -o root -g root -- "$TREE/$path" "/$path.wgchain-new"
  mv -fT -- "/$path.wgchain-new" "/$path"
}
# Those that are not here as they are in $TREE; compared all at once, for most of them never change.
install_files() { # FILE of their names
  local path text paths
  local -A want=() sum=() mode=()
  mapfile -t paths <"$1"
  [[ ${#paths[@]} -gt 0 ]] || return 0
  while read -r text path; do want[$path]=$text; done < <(cd -- "$TREE" && sha256sum -- "${paths[@]}")
  while read -r text path; do sum[$path]=$text; done < <(cd / && { sha256sum -- "${paths[@]}" 2>/dev/null || true; })
  # A link is none.
  while read -r text path; do mode[$path]=$text; done < <(cd / && { find "${paths[@]}" -maxdepth 0 -type f -printf '%m %p\n' 2>/dev/null || true; })
  for path in "${paths[@]}"; do
    mode_of "$path"
    [[ -n ${want[$path]-} ]] || die "$TREE/$path cannot be read"
    if [[ ${sum[$path]-} != "${want[$path]}" || ${mode[$path]-} != "$MODE" ]]; then install_file "$path"; fi
  done
}

changed_unit() { # PATTERN
  local path
  # shellcheck disable=SC2053
  for path in "${CHANGED[@]-}"; do [[ $path != $1 ]] || return 0; done
  return 1
}

remove_file() {
  [[ -e /$1 || -L /$1 ]] || return 0
  cmd rm -f -- "/$1"
}
has_entries() { # DIRECTORY
  local entry
  for entry in "$1"/* "$1"/.[!.]*; do [[ ! -e $entry && ! -L $entry ]] || return 0; done
  return 1
}
remove_directories() { # those that we made and that are empty, deepest first
  local path
  [[ -f $FOUND/directories && $DRY == 0 ]] || return 0
  sort -ur "$FOUND/directories" >"$WORK/directories"
  while read -r path; do
    ! has_entries "$path" || continue
    if [[ ! -d $path ]] || rmdir -- "$path" 2>/dev/null; then sed -i "\\|^$path\$|d" "$FOUND/directories"; fi
  done <"$WORK/directories"
}

# One name for the whole tree, without the private keys: host/deliver computes the same on the operator's side.
generation_of() {
  (cd -- "$1" && find . -type f ! -path './etc/wgchain/keys/*' | sort | xargs sha256sum | sha256sum | cut -d' ' -f1)
}


# The files of $TREE, keys aside, and the manifest of all that we have or may have here.
list_files() {
  find "$TREE" -type f ! -path "$TREE/etc/wgchain/keys/*" -printf '%P\n' | sort >"$WORK/files"
  file_or_none "$LIB/manifest"
  sort -u -- "$FILE" "$WORK/files" >"$WORK/manifest"
}

# Installs all files of $TREE; those of ours that are not in it stay until they are pruned.
CHANGED=()
install_tree() {
  local path
  CHANGED=()
  list_files
  if [[ $DRY == 0 ]]; then
    [[ -d $LIB ]] || (umask 077 && mkdir -p "$LIB")
    put_if_new "$LIB/wanted" "$WORK/files"
    put_if_new "$LIB/manifest" "$WORK/manifest" # before the files: a run that breaks off knows what it left
  fi
  make_directory /etc/wgchain
  make_keys_directory
  # What a run that was killed was writing.
  while read -r path; do [[ ! -e /$path.wgchain-new ]] || cmd rm -f -- "/$path.wgchain-new"; done <"$WORK/manifest"
  install_files "$WORK/files"
  [[ $DRY == 1 || ${#CHANGED[@]} -eq 0 ]] || sync -f /etc/wgchain "$LIB"
}

reload_units() {
  local unit
  has_systemd || return 0
  ! changed_unit 'etc/systemd/system/*' || cmd systemctl daemon-reload
  # Or networkd goes on removing rules that it did not make.
  ! changed_unit etc/systemd/networkd.conf.d/wgchain.conf || cmd systemctl try-restart systemd-networkd.service
  for unit in wgchain.service wgchain-repair.timer; do
    if [[ ! -f /etc/systemd/system/$unit ]] || systemctl is-enabled -q "$unit" 2>/dev/null; then continue; fi
    case $unit in *.timer) cmd systemctl enable --now "$unit" ;; *) cmd systemctl enable "$unit" ;; esac
  done
}
