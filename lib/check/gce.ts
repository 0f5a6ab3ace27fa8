import { Ipv4Prefix } from "../address";
import type { GceIntent, NetworkIntent } from "../intent";
import { gceDiskGb } from "../model/numbers";
import { parseInteger, parseUserName } from "../name";
import { ParseError, type Problems } from "../problem";

/** What Google would refuse only at apply, or would accept and then nobody could reach the VM. */
export function checkGce(intent: NetworkIntent, problems: Problems): void {
  for (const { path, name, host } of intent.nodes) {
    if (host.kind !== "gce") continue;
    if (!/^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/.test(name)) {
      problems.report(
        "bad-name",
        path,
        `name '${name}' can't be a Google resource's; start with a lower-case letter, go on with lower-case letters, digits and dashes, 52 at most`,
      );
    }
    problems.attempt(path, () => parseUserName(host.user));
    checkWords(host, path, problems);
    problems.attempt(path, () =>
      parseInteger(host.diskSizeGb, "diskSizeGb", gceDiskGb.least, gceDiskGb.most, "disk-size-out-of-range"),
    );
    checkAccess(host, path, problems);
    checkImage(host, path, problems);
  }
}

/** Google's own words: Terraform would read a template in them, and a zone's region is cut from its name. */
const words = {
  zone: { form: /^[a-z]+-[a-z]+\d+-[a-z]$/, example: "asia-east2-a" },
  machineType: { form: /^[a-z][a-z0-9]*(-[a-z0-9]+)+$/, example: "e2-micro" },
  // PROJECT/FAMILY, or the address of an image: projects/PROJECT/global/images/NAME, https://...; Ubuntu's project has families and images alone.
  image: {
    form: /^(?:ubuntu-os-cloud\/[a-z](?:[-a-z0-9]*[a-z0-9])?|(?!ubuntu-os-cloud(?:\/|$))[A-Za-z0-9][\w.:-]*(?:\/{1,2}[A-Za-z0-9][\w.:-]*)*)$/,
    example: "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
  },
} as const;

function checkWords(host: GceIntent, path: string, problems: Problems): void {
  for (const what of ["zone", "machineType", "image"] as const) {
    const { form, example } = words[what];
    if (typeof host[what] === "string" && host[what].length <= 250 && form.test(host[what])) continue;
    problems.report("bad-name", path, `${what} '${String(host[what])}' is none of Google's; write e.g. ${example}`);
  }
}

function checkAccess(host: GceIntent, path: string, problems: Problems): void {
  if (host.sshFrom.length === 0) {
    problems.report(
      "no-administrators",
      path,
      `sshFrom is empty: the network would let nobody open SSH, so nothing could configure the VM; name the prefix that you deploy from, e.g. ["198.51.100.200/32"]`,
    );
  }
  for (const text of host.sshFrom) {
    problems.attempt(path, () => {
      const prefix = Ipv4Prefix.parse(text, "sshFrom");
      if (prefix.length === 0) {
        throw new ParseError(
          "administrators-everywhere",
          `sshFrom 0.0.0.0/0 opens SSH to the whole internet; name the prefixes that you deploy from`,
        );
      }
    });
  }
  if (host.authorizedKeys.length === 0) {
    problems.report(
      "no-authorized-key",
      path,
      "no SSH public key to let you in; put yours into wgchain's directory, e.g. cp ~/.ssh/id_ed25519.pub wgchain/authorized_keys, or set authorizedKeys",
    );
  }
  for (const key of host.authorizedKeys) {
    if (!/^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d{3}|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+=*( (?!.*[$%]\{)[^\n"']*)?$/.test(key)) {
      problems.report(
        "malformed-authorized-key",
        path,
        "an authorized key is not one line of an SSH public key (type, base64, comment); what was given is not shown, in case it is secret",
      );
    }
  }
}

function checkImage(host: GceIntent, path: string, problems: Problems): void {
  if (host.imageHasCloudInit || host.image.startsWith("ubuntu-os-cloud/")) return;
  problems.report(
    "image-without-cloud-init",
    path,
    `image '${host.image}' may lack cloud-init (Google's Debian images do), and user-data would be ignored in silence; take one of ubuntu-os-cloud, or set imageHasCloudInit: true if yours has it`,
  );
}
