import { parseUserData } from "../lab/user-data";

test("users, their keys and sudo, and files", () => {
  const data = parseUserData(
    [
      "#cloud-config",
      "packages: [wireguard-tools]",
      "users:",
      "  - name: ops",
      "    sudo: ALL=(ALL) NOPASSWD:ALL",
      "    groups: adm, sudo",
      "    ssh_authorized_keys: [ssh-ed25519 AAAA me]",
      "write_files:",
      "  - {path: /etc/x, content: aGVsbG8=, encoding: b64, permissions: '0600'}",
    ].join("\n"),
  );
  expect(data.users).toEqual([
    { name: "ops", authorizedKeys: ["ssh-ed25519 AAAA me"], sudo: ["ALL=(ALL) NOPASSWD:ALL"], groups: ["adm", "sudo"] },
  ]);
  expect(data.files).toEqual([
    { path: "/etc/x", content: Buffer.from("hello"), permissions: "0600", owner: "root:root", append: false },
  ]);
  expect(data.ignored).toEqual([]);
});

test("top-level keys go to the image's user", () => {
  const data = parseUserData("#cloud-config\nssh_authorized_keys: [ssh-ed25519 AAAA me]\n");
  expect(data.users).toMatchObject([{ name: "ubuntu", authorizedKeys: ["ssh-ed25519 AAAA me"] }]);
});

test("what it does not do it says", () => {
  const data = parseUserData("#cloud-config\nruncmd: [[reboot]]\nusers: [{name: a, expiredate: '2030-01-01'}]\n");
  expect(data.ignored).toEqual(["runcmd", "users[].expiredate"]);
});

test.each([
  ["no cloud-config", "users: []\n", "does not begin with the line #cloud-config"],
  ["no YAML", "#cloud-config\nusers: [\n", "user-data is not YAML"],
  ["a user name for a shell", "#cloud-config\nusers: [{name: 'a; reboot'}]\n", "is not a user name"],
  ["an encoding it cannot read", "#cloud-config\nwrite_files: [{path: /x, encoding: gz}]\n", "write_files[].encoding 'gz'"],
])("refused: %s", (_what, text, message) => {
  expect(() => parseUserData(text)).toThrow(message);
});
