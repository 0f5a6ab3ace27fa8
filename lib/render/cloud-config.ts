/**
 * User-data of a new VM: it makes the user whom SSH lets in, and nothing else. JSON is YAML, so no YAML is written by hand. Metadata is readable
 * by every process on the VM, so nothing secret may stand here.
 */
export function cloudConfig(options: { readonly user: string; readonly authorizedKeys: readonly string[] }): string {
  const config = {
    disable_root: true,
    ssh_pwauth: false,
    users: [
      {
        name: options.user,
        gecos: "wgchain",
        lock_passwd: true,
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        ssh_authorized_keys: [...options.authorizedKeys],
      },
    ],
  };
  return `#cloud-config\n${JSON.stringify(config, null, 2)}\n`;
}
