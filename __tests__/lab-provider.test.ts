import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import {
  type Backend,
  type Body,
  Lab,
  network,
  ofName,
  type Ran,
  secret,
  vpc,
  type Workspace,
} from "../lab/provider/testing/workspace";

jest.setTimeout(30_000);

let lab: Lab;
let backend: Backend;

beforeAll(async () => {
  lab = await Lab.start();
  ({ backend } = lab);
});
afterAll(() => lab.stop());

describe("a VPC with a machine", () => {
  let workspace: Workspace;
  let firstId: string;

  beforeAll(async () => {
    workspace = await lab.workspace("vpc");
  });

  test("is created with unknown values in nested blocks, and the backend knows all of it", async () => {
    const plan = await workspace.plan(vpc("one"));
    expect(plan.code).toBe(2);
    expect(plan.output).toMatch(/nat_ip = \(known after apply\)/);
    expect(backend.calls).toBe(0);

    expect(await workspace.apply(vpc("one"))).toMatchObject({ code: 0 });
    expect(ofName(backend.objects.networks, "one")).toEqual({
      id: "projects/p1/global/networks/one",
      selfLink: "https://www.googleapis.com/compute/v1/projects/p1/global/networks/one",
      project: "p1",
      name: "one",
      mtu: 1460,
    });
    expect(ofName(backend.objects.subnetworks, "one")).toMatchObject({
      region: "asia-east2",
      network: "projects/p1/global/networks/one",
      cidr: "10.170.0.0/24",
      gateway: "10.170.0.1",
    });
    expect(ofName(backend.objects.firewalls, "one")).toMatchObject({
      network: "projects/p1/global/networks/one",
      direction: "INGRESS",
      priority: 1000,
      sourceRanges: ["198.51.100.20/32"],
      targetTags: ["wg"],
    });
    expect(ofName(backend.objects.firewalls, "one").rules).toEqual(
      expect.arrayContaining([
        { action: "allow", protocol: "udp", ports: ["51820"] },
        { action: "allow", protocol: "icmp", ports: [] },
      ]),
    );
    const instance = ofName(backend.objects.instances, "one");
    expect(instance).toMatchObject({
      zone: "asia-east2-a",
      status: "RUNNING",
      machineType: "e2-micro",
      canIpForward: true,
      bootImage: "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
      tags: ["wg"],
      labels: { "goog-terraform-provisioned": "true" },
      metadata: { "user-data": "#cloud-config\n" },
      networkInterfaces: [
        {
          name: "nic0",
          network: "projects/p1/global/networks/one",
          subnetwork: "projects/p1/regions/asia-east2/subnetworks/one",
          networkIp: "10.170.0.2",
          natIp: "203.0.113.10",
        },
      ],
    });
    expect(instance.instanceId).toMatch(/^[1-9]\d{18}$/);
    firstId = instance.instanceId;
  });

  test("has nothing to do afterwards", async () => {
    expect(await workspace.plan(vpc("one"))).toMatchObject({ code: 0 });
  });

  test("another spelling of a reference is no change", async () => {
    const link = "${google_compute_network.n.self_link}";
    expect(await workspace.plan(vpc("one", { subnetwork: { network: link }, firewall: { network: link } }))).toMatchObject({
      code: 0,
    });
  });

  test("optional and computed arguments stay when they are removed", async () => {
    expect(await workspace.plan(vpc("one", { network: { mtu: undefined }, nic: { access_config: {} } }))).toMatchObject({
      code: 0,
    });
  });

  const inPlace = {
    network: { mtu: 1500 },
    firewall: { source_ranges: ["198.51.100.21/32"], priority: 900 },
    instance: { metadata: { "user-data": "#cloud-config\n# two\n" }, tags: ["wg", "web"], labels: { a: "b" } },
  };

  test("mtu, firewall, metadata, tags and labels change in place", async () => {
    const { output, code } = await workspace.apply(vpc("one", inPlace));
    expect(output).toMatch(/0 added, 3 changed, 0 destroyed/);
    expect(code).toBe(0);
    expect(ofName(backend.objects.networks, "one").mtu).toBe(1500);
    expect(ofName(backend.objects.firewalls, "one")).toMatchObject({ priority: 900, sourceRanges: ["198.51.100.21/32"] });
    expect(ofName(backend.objects.instances, "one")).toMatchObject({
      instanceId: firstId,
      tags: ["web", "wg"],
      labels: { a: "b" },
      metadata: { "user-data": "#cloud-config\n# two\n" },
    });
    expect(await workspace.plan(vpc("one", inPlace))).toMatchObject({ code: 0 });
  });

  test.each([
    ["metadata_startup_script", { instance: { metadata_startup_script: "true" } }],
    ["boot_disk", { instance: { boot_disk: { initialize_params: { image: "debian-cloud/debian-12" } } } }],
    ["zone", { instance: { zone: "asia-east2-b" } }],
    ["name", { instance: { name: "other" } }],
    ["network_ip", { nic: { network_ip: "10.170.0.77" } }],
    ["ip_cidr_range", { subnetwork: { ip_cidr_range: "10.171.0.0/24" } }],
  ])("a change of %s replaces", async (_argument, change) => {
    const { output } = await workspace.plan(vpc("one", change));
    expect(output).toMatch(/must be replaced/);
    expect(output).toMatch(/# forces replacement/);
  });

  test("a subnetwork may grow in place", async () => {
    const { output } = await workspace.plan(vpc("one", { ...inPlace, subnetwork: { ip_cidr_range: "10.170.0.0/20" } }));
    expect(output).toMatch(/Plan: 0 to add, 1 to change, 0 to destroy/);
  });

  test("a machine type changes only with allow_stopping_for_update", async () => {
    const bigger = { machine_type: "e2-small", ...inPlace.instance };
    expect((await workspace.plan(vpc("one", { ...inPlace, instance: bigger }))).output).toMatch(
      /0 to add, 1 to change, 0 to destroy/,
    );
    const refused = await workspace.apply(vpc("one", { ...inPlace, instance: bigger }));
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(
      /on a started instance requires stopping it\. To acknowledge this, please set allow_stopping_for_update = true/,
    );
    expect(ofName(backend.objects.instances, "one").machineType).toBe("e2-micro");

    const allowed = { ...bigger, allow_stopping_for_update: true };
    expect(await workspace.apply(vpc("one", { ...inPlace, instance: allowed }))).toMatchObject({ code: 0 });
    expect(ofName(backend.objects.instances, "one")).toMatchObject({ machineType: "e2-small", instanceId: firstId });
  });

  test("what is in use is not deleted", async () => {
    const all = vpc("one", inPlace);
    const target = (address: string): Promise<Ran> =>
      // Without the machine in the state, Terraform does not know that it is in the way.
      workspace.run(all, "destroy", "-auto-approve", `-target=${address}`);
    expect((await workspace.terraform("state", "rm", "google_compute_instance.i", "google_compute_subnetwork.s")).code).toBe(0);
    expect((await target("google_compute_network.n")).output).toMatch(
      /The network resource 'projects\/p1\/global\/networks\/one' is already being used by 'projects\/p1\/zones\/asia-east2-a\/instances\/one'/,
    );
    expect((await target("google_compute_address.a")).output).toMatch(
      /The address resource '[^']+\/addresses\/one' is already being used by '[^']+\/instances\/one'/,
    );
  });

  test("import finds what is there, by path and by name", async () => {
    const all = vpc("one", { ...inPlace, instance: { machine_type: "e2-small", ...inPlace.instance } });
    expect((await workspace.apply(all)).output).toMatch(/Error 409: The resource '[^']+' already exists, alreadyExists/);
    const gone = await workspace.run(all, "import", "google_compute_instance.i", "gone");
    expect(gone.output).toMatch(/Cannot import non-existent remote object/);
    const path = "projects/p1/zones/asia-east2-a/instances/one";
    expect(await workspace.run(all, "import", "google_compute_instance.i", path)).toMatchObject({ code: 0 });
    expect(await workspace.run(all, "import", "google_compute_subnetwork.s", "one")).toMatchObject({ code: 0 });
    // Timeouts are not the cloud's; the rest is as configured.
    expect(await workspace.apply(all)).toMatchObject({ code: 0 });
    expect(await workspace.plan(all)).toMatchObject({ code: 0 });
  });

  test("an object that somebody removed is planned again", async () => {
    const path = join(lab.cloudDir, "cloud.json");
    const text = await readFile(path, "utf8");
    expect(text).not.toContain(secret);
    const file = JSON.parse(text) as { objects: Record<string, Body> };
    delete file.objects["google_compute_firewall"];
    await writeFile(path, JSON.stringify(file));
    const all = vpc("one", { ...inPlace, instance: { machine_type: "e2-small", ...inPlace.instance } });
    expect((await workspace.plan(all)).output).toMatch(/google_compute_firewall.f will be created .* 1 to add, 0 to change/);
    await writeFile(path, text);
  });

  test("is destroyed", async () => {
    expect(await workspace.destroy()).toMatchObject({ code: 0 });
    expect(backend.objects).toEqual({ networks: [], subnetworks: [], addresses: [], firewalls: [], instances: [] });
  });
});

test("close is prompt and leaves no socket", async () => {
  const other = await Lab.start();
  expect(other.socketPaths.every((path) => existsSync(path))).toBe(true);
  const workspace = await other.workspace("w");
  expect(await workspace.apply({ google_compute_network: { n: network("n") } })).toMatchObject({ code: 0 });
  // A client that does not hang up, as a Terraform that was stopped (^Z) would not.
  const lingering = connect(other.socketPaths[0] ?? "").on("error", () => undefined);
  await new Promise((resolve) => lingering.once("connect", resolve));
  const started = Date.now();
  await other.stop();
  expect(Date.now() - started).toBeLessThan(1000);
  expect(other.socketPaths.some((path) => existsSync(path))).toBe(false);
});
