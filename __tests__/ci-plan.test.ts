import {
  countPlan,
  knownAddresses,
  PlanError,
  readKnownAddresses,
  renderPlan,
  requirePlan,
  summarizePlan,
} from "../lib/plan-summary";

interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly name: string;
  readonly change: object;
  readonly action_reason?: string;
}

const resource = (address: string, actions: readonly string[], change: object = {}, action_reason?: string): ResourceChange => {
  const [type = "", name = ""] = address.split(".");
  return { address, type, name, change: { actions, ...change }, ...(action_reason === undefined ? {} : { action_reason }) };
};
const plan = (...resource_changes: readonly ResourceChange[]): object => ({ format_version: "1.2", resource_changes });
const told = (...resources: readonly ResourceChange[]): string[] =>
  renderPlan(summarizePlan(plan(...resources)))
    .trimEnd()
    .split("\n");

/** As Terraform tells that a host's objects are others. */
const config = (host: string, before: object, after: object): ResourceChange =>
  resource(`null_resource.${host}_config`, ["delete", "create"], {
    before: { id: "1", triggers: before },
    after: { triggers: after },
    after_unknown: { id: true, triggers: {} },
    before_sensitive: { triggers: {} },
    after_sensitive: { triggers: {} },
    replace_paths: [["triggers"]],
  });

/** Of three hosts these have another configuration. */
const deploy = (...hosts: readonly string[]): ResourceChange => {
  const ids = { gcp: "1", hk: "2", sz: "3" };
  return resource("null_resource.deploy", ["delete", "create"], {
    before: { id: "1", triggers: ids },
    after: { triggers: Object.fromEntries(Object.entries(ids).filter(([host]) => !hosts.includes(host))) },
    after_unknown: { id: true, triggers: Object.fromEntries(hosts.map((host) => [host, true])) },
    replace_paths: [["triggers"]],
  });
};

describe("a plan, shortened", () => {
  test("a client that moves is one line, and the deploy asks one host", () => {
    const before = { "source 10.66.224.2 on wgs": "exit gcp via wgp from 10.66.220.224", "rule 11000 iif wgs": "lookup 7701" };
    const after = { ...before, "source 10.66.224.2 on wgs": "exit hkt via wgp from 10.66.220.225" };
    const changes = [deploy("sz"), config("sz", before, after), resource("null_resource.hk_config", ["no-op"])];
    expect(told(...changes)).toEqual([
      "! host sz: 1 object of its configuration",
      "!     source 10.66.224.2 on wgs: exit gcp via wgp from 10.66.220.224 -> exit hkt via wgp from 10.66.220.225",
      "! the deploy asks sz",
    ]);
    expect(countPlan(summarizePlan(plan(...changes)))).toBe("1 host gets another configuration");
  });

  test("what is destroyed or made anew comes first, with the attribute that makes it so", () => {
    const instance = resource(
      "google_compute_instance.gcp",
      ["delete", "create"],
      {
        before: { id: "i", cpu_platform: "x", labels: { a: "1" }, zone: "asia-east2-a" },
        after: { labels: { a: "2" }, zone: "asia-east2-b" },
        after_unknown: { id: true, cpu_platform: true },
        replace_paths: [["zone"]],
      },
      "replace_because_cannot_update",
    );
    const lines = told(
      resource("google_compute_address.new", ["create"], { after: { name: "new" } }),
      config("sz", {}, { "peer hk on wgp": "key K" }),
      instance,
      resource("google_compute_firewall.old", ["delete"], { before: { name: "old" } }, "delete_because_no_resource_config"),
      resource("null_resource.hk_membership", ["delete"], { before: { triggers: { node: "hk" } } }),
    );
    expect(lines).toEqual([
      "- google_compute_firewall.old is destroyed (the app has it no more)",
      "! google_compute_instance.gcp is destroyed and made anew",
      "!     zone: asia-east2-a -> asia-east2-b (it is made anew for this)",
      "!     labels.a: 1 -> 2",
      "+ google_compute_address.new is made",
      "- host hk leaves: wgchain is taken off it",
      "! host sz: 1 object of its configuration",
      "+     peer hk on wgp: key K",
    ]);
  });

  test("a sensitive value is never told, nor how much of it there is, whichever side marks it", () => {
    const secret = "hunter2";
    const sides = { before: { password: `${secret}-old`, users: [{ token: secret }] }, after: { password: secret, users: [] } };
    for (const marks of [
      { before_sensitive: { password: true, users: true }, after_sensitive: {} },
      { before_sensitive: {}, after_sensitive: { password: true, users: true } },
      { before_sensitive: { password: true, users: [{ token: true }] }, after_sensitive: false },
      { before_sensitive: true, after_sensitive: {} },
      { before_sensitive: {}, after_sensitive: true },
    ]) {
      const summary = summarizePlan(plan(resource("x_user.u", ["update"], { ...sides, ...marks })));
      expect(JSON.stringify(summary) + renderPlan(summary)).not.toContain(secret);
      expect(renderPlan(summary)).toContain("(sensitive)");
    }
    const outputs = {
      ...plan(),
      output_changes: { key: { actions: ["update"], before: secret, after: "x" }, same: { actions: ["no-op"] } },
    };
    expect(renderPlan(summarizePlan(outputs))).toBe("! outputs that change: key\n");
  });

  test("a secret that changes is told as a change", () => {
    const change = { before: { key: "a" }, after: { key: "b" }, before_sensitive: { key: true }, after_sensitive: { key: true } };
    expect(told(resource("x_user.u", ["update"], change))).toEqual([
      "! x_user.u is changed in place",
      "!     key: (sensitive) -> another (sensitive)",
    ]);
  });

  test("text of many lines stays one line, and long text is cut", () => {
    const script = (word: string): string => `#!/bin/sh\n- ${word}\n+ end\n`;
    const change = { before: { script: script("a"), long: "x" }, after: { script: script("b"), long: "y".repeat(5000) } };
    const lines = told(resource("x_vm.v", ["update"], change));
    expect(lines).toContain("!     script: (3 lines) -> another (3 lines)");
    expect(lines.every((line) => line.length < 200)).toBe(true);
    expect(told(resource("x_vm.v", ["update"], { before: { a: "x" }, after: { a: "1\r2\u20283" } }))).toContain(
      "!     a: x -> (3 lines)",
    );
  });

  test("many alike are a few and a number: objects, hosts, resources", () => {
    const peers = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`peer client${index} on wgs`, `key ${index}`]));
    const added = told(config("sz", { "rule 1": "a" }, { "rule 1": "b", ...peers }));
    expect(added).toHaveLength(6);
    expect(added).toContain("+     … and 997 more of 'peer'");
    expect(added).toContain("!     rule 1: a -> b");

    const hosts = Array.from({ length: 30 }, (_, index) => config(`h${index}`, { program: "1" }, { program: "2" }));
    expect(told(...hosts, config("other", { program: "1" }, { program: "3" }))).toEqual([
      "! 30 hosts alike (h0, h1, h10 and 27 more)",
      "!     program: 1 -> 2",
      "! host other: 1 object of its configuration",
      "!     program: 1 -> 3",
    ]);

    const rules = Array.from({ length: 50 }, (_, index) =>
      resource(`google_compute_firewall.f${String(index).padStart(2, "0")}`, ["create"]),
    );
    const lines = told(...rules);
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toBe("+ … and 44 more: google_compute_firewall, made");
  });

  test("a first deploy, one that failed, and none", () => {
    const first = [
      resource("null_resource.sz_config", ["create"], { after: { triggers: { a: "1", b: "2" } } }),
      resource("null_resource.sz_membership", ["create"]),
    ];
    expect(
      told(...first, resource("null_resource.deploy", ["create"], { after: {}, after_unknown: { triggers: true } })),
    ).toEqual(["+ host sz is new: 2 objects", "! the deploy asks every host"]);
    const tainted = { ...deploy("sz"), action_reason: "replace_because_tainted" };
    expect(told(tainted)).toEqual(["! the deploy asks every host (its last deploy failed)"]);
    expect(told(resource("null_resource.sz_config", ["no-op"]))).toEqual(["no change"]);
    expect(countPlan(summarizePlan(plan()))).toBe("no change");
  });

  test("what is no plan, or one not understood, is refused", () => {
    for (const wrong of [null, {}, [], { format_version: "2.0" }, "plan"]) expect(() => summarizePlan(wrong)).toThrow(PlanError);
    expect(() => summarizePlan({ format_version: "2.0" })).toThrow(
      `it has format_version "2.0"); give what 'terraform show -json PLAN' prints`,
    );
    expect(() => summarizePlan({ ...plan(), errored: true })).toThrow("could not finish");
    expect(() => summarizePlan(plan(resource("a.b", ["explode"])))).toThrow("a.b: the plan has the action 'explode'");
  });

  test("public addresses that stay are known by name, and nothing else of the state", () => {
    const state = (...resources: readonly object[]): object => ({ values: { root_module: { resources } } });
    const address = (name: string, values: object, rest: object = {}): object => ({
      address: `google_compute_address.${name}`,
      type: "google_compute_address",
      values,
      ...rest,
    });
    const prior_state = state(
      address("stays", { address: "203.0.113.10", secret: "x" }),
      address("updated", { address: "203.0.113.11" }),
      address("replaced", { address: "203.0.113.12" }),
      address("hidden", { address: "203.0.113.13" }, { sensitive_values: { address: true } }),
      address("odd", { address: "<script>" }),
      { address: "x_user.u", type: "x_user", values: { address: "203.0.113.14" } },
    );
    const changes = [
      resource("google_compute_address.stays", ["no-op"]),
      resource("google_compute_address.updated", ["update"]),
      resource("google_compute_address.replaced", ["delete", "create"]),
    ];
    const known = {
      "google_compute_address.stays.address": "203.0.113.10",
      "google_compute_address.updated.address": "203.0.113.11",
    };
    expect(knownAddresses(requirePlan({ ...plan(...changes), prior_state }))).toEqual(known);
    expect(knownAddresses(requirePlan(plan()))).toEqual({});
    const written = {
      ...known,
      "x_user.u.address": "203.0.113.14",
      "google_compute_address.x.address": "@all",
      "google_compute_address.y.address": 5,
    };
    expect(readKnownAddresses(written)).toEqual(known);
    expect([null, undefined, "x", 5].map(readKnownAddresses)).toEqual([{}, {}, {}, {}]);
  });
});
