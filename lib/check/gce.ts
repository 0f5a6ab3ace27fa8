import { Ipv4Prefix } from "../address";
import type { GceIntent, NetworkIntent } from "../intent";
import { parseUserName } from "../name";
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
    checkAccess(host, path, problems);
    checkImage(host, path, problems);
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
