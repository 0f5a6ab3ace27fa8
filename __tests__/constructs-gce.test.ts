import { authorizedKey, removeTemporaryDirectories } from "./support/directory";
import { Host, WgNode } from "../constructs";
import { problems, synthesize } from "./support/synth";

afterAll(removeTemporaryDirectories);

describe("GIVEN the VM of the reference network, WHEN nobody could reach it, THEN synth says so", () => {
  test("no administrators", () => {
    expect(problems({ gcpHost: { sshFrom: [] } })).toMatchInlineSnapshot(
      `"net/gcp: sshFrom is empty: the network would let nobody open SSH, so nothing could configure the VM; name the prefix that you deploy from, e.g. ["198.51.100.200/32"]"`,
    );
  });
  test("the whole internet as administrators", () => {
    expect(problems({ gcpHost: { sshFrom: ["0.0.0.0/0"] } })).toMatchInlineSnapshot(
      `"net/gcp: sshFrom 0.0.0.0/0 opens SSH to the whole internet; name the prefixes that you deploy from"`,
    );
  });
  test("malformed and host-bit administrators, all of them", () => {
    expect(problems({ gcpHost: { sshFrom: ["198.51.100.200", "198.51.100.1/24", "me/32"] } })).toMatchInlineSnapshot(`
     "net/gcp: sshFrom '198.51.100.200' is not ADDRESS/LENGTH; write a length from 0 to 32, e.g. 10.66.224.0/19
     net/gcp: sshFrom '198.51.100.1/24' has host bits set; write 198.51.100.0/24 for the network
     net/gcp: sshFrom 'me/32' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"
    `);
  });
  test("no authorized key", () => {
    expect(problems({}, { files: { authorized_keys: "# none yet\n" } })).toMatchInlineSnapshot(
      `"net/gcp: no SSH public key to let you in; put yours into wgchain's directory, e.g. cp ~/.ssh/id_ed25519.pub wgchain/authorized_keys, or set authorizedKeys"`,
    );
  });
  test.each([
    ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----"],
    ["two lines", `${authorizedKey}\n${authorizedKey}`],
    ["options before it", `command="id" ${authorizedKey}`],
    ["a quote in its comment", `${authorizedKey}"`],
    ["what Terraform would expand", `${authorizedKey} \${file("/etc/passwd")}`.replaceAll('"', "")],
    ["a directive of Terraform's", `${authorizedKey} %{ if true }x%{ endif }`],
  ])("a malformed authorized key, never shown: %s", (_what, key) => {
    expect(problems({ gcpHost: { authorizedKeys: [key] } })).toBe(
      "net/gcp: an authorized key is not one line of an SSH public key (type, base64, comment); what was given is not shown, in case it is secret",
    );
  });
  test("a user that Linux would not take", () => {
    expect(problems({ gcpHost: { user: "Me" } })).toMatchInlineSnapshot(
      `"net/gcp: user 'Me' is not a Linux user name; write e.g. root, admin or wgchain"`,
    );
  });
});

describe("GIVEN the VM of the reference network, WHEN Google would refuse it only at apply, THEN synth refuses it", () => {
  test.each(["GCP", "gcp_1", "gcp-", "g".repeat(53)])("name %s", (name) => {
    const files = { [`keys/${name}.wg6.pub`]: "" };
    expect(
      problems({ gcp: { name }, wg6: { serverEnd: { publicKey: "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=" } } }, { files }),
    ).toBe(
      `net/gcp: name '${name}' can't be a Google resource's; start with a lower-case letter, go on with lower-case letters, digits and dashes, 52 at most`,
    );
  });
  test("a malformed subnetwork", () => {
    expect(problems({ gcpHost: { subnetwork: "10.170.0.5/24" } })).toMatchInlineSnapshot(
      `"net/gcp: subnetwork '10.170.0.5/24' has host bits set; write 10.170.0.0/24 for the network"`,
    );
  });
});

describe("GIVEN the VM of the reference network, WHEN a word of Google's is none, THEN synth says what one looks like", () => {
  const expand = 'e2-micro${file("/etc/passwd")}';
  test.each(["asia-east2", "Asia-East2-a", "asia-east2-a/../b", "asia-east2-a\n", "", "${var.zone}"])("zone %j", (zone) => {
    expect(problems({ gcpHost: { zone } })).toBe(`net/gcp: zone '${zone}' is none of Google's; write e.g. asia-east2-a`);
  });
  test.each(["micro", "e2_micro", "E2-micro", "e2-micro ", "", expand])("machine type %j", (machineType) => {
    expect(problems({ gcpHost: { machineType } })).toBe(
      `net/gcp: machineType '${machineType}' is none of Google's; write e.g. e2-micro`,
    );
  });
  test.each([
    "ubuntu-os-cloud/",
    "ubuntu-os-cloud/Ubuntu",
    "ubuntu-os-cloud/a/b",
    "ubuntu-os-cloud/a ${b}",
    `ubuntu-os-cloud/${"a".repeat(300)}`,
  ])("image %j of Ubuntu's project", (image) => {
    expect(problems({ gcpHost: { image } })).toBe(
      `net/gcp: image '${image}' is none of Google's; write e.g. ubuntu-os-cloud/ubuntu-2404-lts-amd64`,
    );
  });
  test.each(["", "mine/$(id)", "mine/a\nb", "/mine", "mine/", "%{ if true }"])("image %j of one's own", (image) => {
    expect(problems({ gcpHost: { image, imageHasCloudInit: true } })).toBe(
      `net/gcp: image '${image}' is none of Google's; write e.g. ubuntu-os-cloud/ubuntu-2404-lts-amd64`,
    );
  });
  test.each([9, 65_537, 10.5, NaN, -10, "20" as never])("disk of %p GB", (diskSizeGb) => {
    expect(problems({ gcpHost: { diskSizeGb } })).toBe(
      `net/gcp: diskSizeGb ${diskSizeGb} is out of range; take a whole number from 10 to 65536`,
    );
  });
});

test.each([
  ["us-central1-f", "n2-custom-4-8192-ext", "ubuntu-os-cloud/ubuntu-minimal-2404-lts-amd64", 10],
  ["northamerica-northeast1-a", "f1-micro", "projects/my-project/global/images/family/mine", 65_536],
  ["europe-west12-b", "t2a-standard-1", "example.com:mine/Debian_12", 20],
  ["asia-east2-a", "c3-highcpu-4", "https://www.googleapis.com/compute/v1/projects/p/global/images/i", 11],
])("GIVEN %s, %s, %s and %i GB, THEN the VM gets them as they are", (zone, machineType, image, diskSizeGb) => {
  const { resource } = synthesize({ gcpHost: { zone, machineType, image, diskSizeGb, imageHasCloudInit: true } });
  expect(resource["google_compute_instance"]?.["gcp_instance"]).toMatchObject({
    zone,
    machine_type: machineType,
    boot_disk: { initialize_params: { image, size: diskSizeGb } },
  });
});

test("GIVEN an image without cloud-init, THEN synth says which to take, for user-data would be ignored in silence", () => {
  expect(problems({ gcpHost: { image: "debian-cloud/debian-12" } })).toMatchInlineSnapshot(
    `"net/gcp: image 'debian-cloud/debian-12' may lack cloud-init (Google's Debian images do), and user-data would be ignored in silence; take one of ubuntu-os-cloud, or set imageHasCloudInit: true if yours has it"`,
  );
});

test("GIVEN two VMs, THEN their subnetworks may be alike, for each has a network of its own", () => {
  const host = Host.gce({ zone: "us-west1-b", sshFrom: ["198.51.100.200/32"] });
  const { resource } = synthesize({}, { also: ({ stack }) => void new WgNode(stack, "west", { host, exit: true }) });
  expect(resource["google_compute_subnetwork"]).toMatchObject({
    gcp_subnetwork: { region: "asia-east2", ip_cidr_range: "10.170.0.0/24" },
    west_subnetwork: { region: "us-west1", ip_cidr_range: "10.170.0.0/24" },
  });
});
