import { parseDocument } from "yaml";
import type { Host } from "./host";
import { LabError } from "./run";
import { addUser, type User } from "./sshd";

/**
 * Stand-in for cloud-init: of a Google VM's user-data it does users with their keys and sudo, and write_files. Packages are ignored,
 * since the lab's machine has them. All else is ignored too, and said so: a rehearsal must not look more thorough than it was.
 */
export interface UserData {
  readonly users: readonly User[];
  readonly files: readonly WriteFile[];
  /** Keys that had no effect here and would have one on a VM. */
  readonly ignored: readonly string[];
}

export interface WriteFile {
  readonly path: string;
  readonly content: Buffer;
  readonly permissions: string;
  readonly owner: string;
  readonly append: boolean;
}

/** Keys whose effect the lab has anyway: its machine has the packages, its sshd takes keys only, it makes new host keys. */
const satisfied = new Set([
  "package_update",
  "package_upgrade",
  "packages",
  "apt",
  "ssh_pwauth",
  "disable_root",
  "ssh_deletekeys",
  "ssh_genkeytypes",
  "ssh_quiet_keygen",
  "no_ssh_fingerprints",
  "ssh",
  "preserve_hostname",
  "hostname",
  "timezone",
  "final_message",
  "output",
]);

/** @param imageUser the user that the image's cloud-init makes for `default` and for top-level keys. */
export function parseUserData(text: string, imageUser = "ubuntu"): UserData {
  if (!/^#cloud-config\s*$/m.test(text.split("\n", 1)[0] ?? "")) {
    throw new LabError("user-data does not begin with the line #cloud-config: cloud-init would take it for something else");
  }
  const document = parseDocument(text);
  const error = document.errors[0];
  if (error !== undefined) throw new LabError(`user-data is not YAML: ${error.message}`);
  const data = record(document.toJS() ?? {}, "user-data");
  const ignored: string[] = [];
  const users: User[] = [];
  const topLevelKeys = strings(data.ssh_authorized_keys, "ssh_authorized_keys");
  const wantsDefault = data.users === undefined || list(data.users, "users").includes("default");
  if (wantsDefault) {
    users.push({ name: imageUser, authorizedKeys: topLevelKeys, sudo: ["ALL=(ALL) NOPASSWD:ALL"] });
  } else if (topLevelKeys.length > 0) {
    ignored.push("ssh_authorized_keys (users has no default)");
  }
  for (const entry of list(data.users, "users")) {
    if (entry !== "default") users.push(userOf(record(entry, "users[]"), ignored));
  }
  const files = list(data.write_files, "write_files").map((entry) => fileOf(record(entry, "write_files[]")));
  for (const key of Object.keys(data)) {
    if (!satisfied.has(key) && !["users", "ssh_authorized_keys", "write_files"].includes(key)) ignored.push(key);
  }
  return { users, files, ignored: [...new Set(ignored)].sort() };
}

function userOf(entry: Record<string, unknown>, ignored: string[]): User {
  const name = text(entry.name, "users[].name");
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(name)) throw new LabError(`user-data: users[].name '${name}' is not a user name`);
  const known = new Set([
    "name",
    "ssh_authorized_keys",
    "sudo",
    "shell",
    "groups",
    "lock_passwd",
    "gecos",
    "homedir",
    "no_user_group",
  ]);
  for (const key of Object.keys(entry)) if (!known.has(key)) ignored.push(`users[].${key}`);
  const sudo = entry.sudo === undefined || entry.sudo === null || entry.sudo === false ? [] : [entry.sudo].flat();
  const groups =
    typeof entry.groups === "string" ? entry.groups.split(",").map((group) => group.trim()) : strings(entry.groups, "groups");
  return {
    name,
    authorizedKeys: strings(entry.ssh_authorized_keys, "users[].ssh_authorized_keys"),
    sudo: sudo.map((rule) => text(rule, "users[].sudo")),
    groups,
    ...(entry.shell === undefined ? {} : { shell: text(entry.shell, "users[].shell") }),
  };
}

function fileOf(entry: Record<string, unknown>): WriteFile {
  const encoding = entry.encoding === undefined ? "text/plain" : text(entry.encoding, "write_files[].encoding");
  const content = entry.content === undefined ? "" : text(entry.content, "write_files[].content");
  if (!["text/plain", "b64", "base64"].includes(encoding)) {
    throw new LabError(`user-data: write_files[].encoding '${encoding}' is not known to the lab; take text/plain or b64`);
  }
  return {
    path: text(entry.path, "write_files[].path"),
    content: Buffer.from(content, encoding === "text/plain" ? "utf8" : "base64"),
    permissions: entry.permissions === undefined ? "0644" : text(entry.permissions, "write_files[].permissions"),
    owner: entry.owner === undefined ? "root:root" : text(entry.owner, "write_files[].owner"),
    append: entry.append === true,
  };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new LabError(`user-data: ${what} is not a mapping`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new LabError(`user-data: ${what} is not a list`);
  return value;
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw new LabError(`user-data: ${what} is not a string`);
  return value;
}

const strings = (value: unknown, what: string): string[] => list(value, what).map((entry) => text(entry, what));

/** What the VM's first boot does with its user-data, before sshd starts. */
export async function firstBoot(host: Host, data: UserData): Promise<void> {
  for (const user of data.users) await addUser(host, user);
  for (const file of data.files) {
    await host.sh(
      `mkdir -p "$(dirname "$LAB_PATH")"
       ${file.append ? `base64 -d >>"$LAB_PATH"` : `base64 -d >"$LAB_PATH"`}
       chmod "$LAB_MODE" "$LAB_PATH"; chown "$LAB_OWNER" "$LAB_PATH"`,
      {
        input: file.content.toString("base64"),
        env: { LAB_PATH: file.path, LAB_MODE: file.permissions, LAB_OWNER: file.owner },
      },
    );
  }
}
