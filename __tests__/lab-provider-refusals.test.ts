import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { servedTypes } from "../lab/provider/serve";
import { type Backend, type Body, Lab, network, ofName, type Workspace } from "../lab/provider/testing/workspace";

jest.setTimeout(30_000);

let lab: Lab;
let backend: Backend;

beforeAll(async () => {
  lab = await Lab.start();
  ({ backend } = lab);
});
afterAll(() => lab.stop());

describe("what the real provider refuses is refused", () => {
  let workspace: Workspace;

  beforeAll(async () => {
    workspace = await lab.workspace("refusals");
  });

  const onlyInstance = (change: Body): Body => ({
    google_compute_instance: {
      i: {
        name: "lone",
        machine_type: "e2-micro",
        boot_disk: { initialize_params: { image: "x" } },
        network_interface: { network: "nowhere" },
        ...change,
      },
    },
  });

  test("arguments and blocks that nobody knows", async () => {
    const { code, output } = await workspace.run({ google_compute_network: { n: network("n", { colour: "blue" }) } }, "validate");
    expect(code).toBe(1);
    expect(output).toMatch(/No argument or block type is named "colour"/);
  });

  test("types that are not served, by name", async () => {
    const { code, output } = await workspace.run({ google_compute_disk: { d: { name: "d" } } }, "validate");
    expect(code).toBe(1);
    expect(output).toMatch(/does not support resource type "google_compute_disk"/);
    expect(servedTypes.google).not.toContain("google_compute_disk");
    expect(servedTypes.google).toContain("google_compute_instance");
    expect(servedTypes.null).toEqual(["null_resource"]);
  });

  test.each([
    ["a bad name", { google_compute_network: { n: network("Upper") } }, /doesn't match regexp/],
    [
      "a firewall that neither allows nor denies",
      { google_compute_firewall: { f: { name: "f", network: "n" } } },
      /one of `allow,deny` must/,
    ],
    [
      "a bad range",
      { google_compute_subnetwork: { s: { name: "s", network: "n", ip_cidr_range: "10.0.0.1/24" } } },
      /not a valid IP CIDR/,
    ],
    ["a fraction", { google_compute_network: { n: network("n", { mtu: 1460.5 }) } }, /should be a whole number/],
    [
      "a number beyond all numbers",
      { google_compute_network: { n: network("n", { mtu: "18446744073709551615" }) } },
      /whole number/,
    ],
  ])("%s, at validate", async (_what, resource, message) => {
    const { code, output } = await workspace.run(resource, "validate");
    expect(output).toMatch(message);
    expect(code).toBe(1);
  });

  test.each([
    ["too small", 1299, /Error creating Network: googleapi: Error 400: Invalid value for field 'resource.mtu': '1299'/],
    ["too large", 8897, /Invalid value for field 'resource.mtu': '8897'/],
  ])("an mtu %s, only at apply", async (_what, mtu, message) => {
    const resource = { google_compute_network: { n: network("n", { mtu }) } };
    expect((await workspace.plan(resource)).code).toBe(2);
    const { code, output } = await workspace.apply(resource);
    expect(code).toBe(1);
    expect(output).toMatch(message);
    expect(backend.objects.networks).toEqual([]);
  });

  test("an ingress firewall without a source", async () => {
    const firewall = { name: "f", network: "n", allow: { protocol: "tcp" } };
    const { code, output } = await workspace.plan({ google_compute_firewall: { f: firewall } });
    expect(code).toBe(1);
    expect(output).toMatch(/one of source_tags, source_ranges, or source_service_accounts must be defined/);
    expect((await workspace.plan({ google_compute_firewall: { f: { ...firewall, direction: "EGRESS" } } })).code).toBe(2);
  });

  test("an address that another machine has", async () => {
    const machine = (name: string): Body => ({
      ...(onlyInstance({})["google_compute_instance"] as { i: Body }).i,
      name,
      network_interface: {
        network: "${google_compute_network.n.id}",
        access_config: { nat_ip: "${google_compute_address.a.address}" },
      },
    });
    const resource = {
      google_compute_network: { n: network("auto", { auto_create_subnetworks: true }) },
      google_compute_address: { a: { name: "a" } },
      google_compute_instance: { i: machine("first"), j: machine("second") },
    };
    expect((await workspace.apply(resource)).output).toMatch(/External IP address: 203.0.113.10 is already in-use/);
    expect(backend.objects.instances).toHaveLength(1);
    expect(await workspace.destroy()).toMatchObject({ code: 0 });
  });

  test("an address that is not reserved, a network that is not there", async () => {
    const there = { google_compute_network: { n: network("auto", { auto_create_subnetworks: true }) } };
    const nic = { network: "${google_compute_network.n.id}", access_config: { nat_ip: "192.0.2.1" } };
    const { output } = await workspace.apply({ ...there, ...onlyInstance({ network_interface: nic }) });
    expect(output).toMatch(/The specified external IP address '192.0.2.1' was not found in region 'asia-east2'/);
    expect((await workspace.apply(onlyInstance({}))).output).toMatch(/'projects\/p1\/global\/networks\/nowhere' was not found/);
  });

  test("a missing project, by name", async () => {
    const resource = { google_compute_network: { n: network("n") } };
    const { code, output } = await workspace.runWith({ provider: { google: {} }, resource }, "plan");
    expect(code).toBe(1);
    expect(output).toMatch(/project: required field is not set/);
  });

  test("deletion of a protected machine", async () => {
    const resource = (isProtected: boolean): Body => ({
      google_compute_network: { n: network("auto", { auto_create_subnetworks: true }) },
      ...onlyInstance({
        deletion_protection: isProtected,
        network_interface: { network: "${google_compute_network.n.name}", access_config: {} },
      }),
    });
    expect(await workspace.apply(resource(true))).toMatchObject({ code: 0 });
    expect(ofName(backend.objects.instances, "lone").networkInterfaces).toMatchObject([
      { networkIp: "10.170.0.2", natIp: "203.0.113.10" },
    ]);
    expect((await workspace.destroy()).output).toMatch(/Deletion Protection is enabled/);
    expect(await workspace.apply(resource(false))).toMatchObject({ code: 0 });
    expect(await workspace.destroy()).toMatchObject({ code: 0 });
    expect(backend.objects.subnetworks).toEqual([]);
  });
});

describe("the backend's errors", () => {
  test("are Terraform's, and what failed to be made is not kept", async () => {
    const workspace = await lab.workspace("backend");
    const resource = (mtu: number): Body => ({ google_compute_network: { n: network("n", { mtu }) } });
    backend.failure = "no namespace for 'n'";
    const refused = await workspace.apply(resource(1400));
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/Error: the lab could not make this change .*no namespace for 'n'/);
    expect((await workspace.terraform("state", "list")).output.trim()).toBe("");

    backend.failure = undefined;
    expect((await workspace.apply(resource(1400))).output).toMatch(/1 added/);

    backend.failure = "not now";
    expect((await workspace.apply(resource(1500))).code).toBe(1);
    expect((await workspace.destroy()).code).toBe(1);
    backend.failure = undefined;
    expect(await workspace.plan(resource(1400))).toMatchObject({ code: 0 });
    expect(await workspace.destroy()).toMatchObject({ code: 0 });
  });
});

describe("aliases of the provider", () => {
  test("keep their own project and labels", async () => {
    const workspace = await lab.workspace("aliases");
    const provider = {
      google: [
        { project: "first", region: "r1" },
        { project: "second", region: "r2", alias: "other", default_labels: { who: "other" } },
      ],
    };
    const resource = { google_compute_address: { one: { name: "a" }, two: { name: "a", provider: "google.other" } } };
    expect(await workspace.runWith({ provider, resource }, "apply", "-auto-approve")).toMatchObject({ code: 0 });
    expect(backend.objects.addresses).toMatchObject([
      { id: "projects/first/regions/r1/addresses/a", address: expect.stringMatching(/^203\.0\.113\.1[01]$/) as string },
      { id: "projects/second/regions/r2/addresses/a", address: expect.stringMatching(/^203\.0\.113\.1[01]$/) as string },
    ]);
    expect(new Set(backend.objects.addresses.map(({ address }) => address)).size).toBe(2);
    const { output } = await workspace.terraform("state", "show", "google_compute_address.two");
    expect(output).toMatch(/"who" = "other"/);
    expect(await workspace.terraform("destroy", "-auto-approve")).toMatchObject({ code: 0 });
  });
});

describe("null_resource", () => {
  test("is replaced when a trigger changes, and its provisioner runs again", async () => {
    const workspace = await lab.workspace("null");
    const resource = (trigger: string): Body => ({
      null_resource: {
        r: {
          triggers: { what: trigger },
          provisioner: [{ "local-exec": { command: 'echo "$WHAT" >> ran', environment: { WHAT: trigger } } }],
        },
      },
    });
    const ran = (): Promise<string> => readFile(join(workspace.dir, "ran"), "utf8");
    expect(await workspace.apply(resource("one"))).toMatchObject({ code: 0 });
    expect(await workspace.plan(resource("one"))).toMatchObject({ code: 0 });
    expect(await ran()).toBe("one\n");
    expect((await workspace.apply(resource("two"))).output).toMatch(/1 added, 0 changed, 1 destroyed/);
    expect(await ran()).toBe("one\ntwo\n");
    expect(await workspace.destroy()).toMatchObject({ code: 0 });
  });

  test("takes values of which something is known at plan", async () => {
    const workspace = await lab.workspace("refined");
    const resource = {
      google_compute_address: { a: { name: "a" } },
      // A number of which Terraform knows the least value.
      google_compute_network: { n: network("n", { mtu: "${1400 + length(google_compute_address.a.users)}" }) },
      null_resource: { r: { triggers: { endpoint: "udp:${google_compute_address.a.address}:51820" } } },
    };
    expect((await workspace.plan(resource)).output).toMatch(/"endpoint" = \(known after apply\)/);
    expect(await workspace.apply(resource)).toMatchObject({ code: 0 });
    expect((await workspace.terraform("state", "show", "null_resource.r")).output).toMatch(/"udp:203.0.113.10:51820"/);
    expect(await workspace.destroy()).toMatchObject({ code: 0 });
  });

  test("with more than 4 MiB of triggers is planned", async () => {
    const workspace = await lab.workspace("large");
    const triggers = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, "x".repeat(100_000)]));
    expect((await workspace.run({ null_resource: { r: { triggers } } }, "plan", "-out=plan")).code).toBe(0);
  });
});
