import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TerraformStack } from "cdktf";
import { Resource } from "@cdktf/provider-null/lib/resource";
import { Lab, type Workspace } from "../lab/provider/testing/workspace";
import { removeTemporaryDirectories } from "./support/directory";
import type { Reference } from "./support/reference";
import { problems, synthesize } from "./support/synth";

jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);

type Triggers = Record<string, string>;
const nullResources = (): Record<string, Record<string, unknown>> =>
  structuredClone(synthesize().resource["null_resource"] ?? {});
test("a null_resource of the user's that would be merged into one of ours is a problem", () => {
  const also = ({ sz }: Reference): void => {
    const stack = TerraformStack.of(sz);
    new Resource(stack, "deploy", {});
    new Resource(stack, "mine", {});
    new Resource(stack, "other", {}).overrideLogicalId("sz_config");
  };
  expect(problems({}, { also })).toBe(
    "net/deploy: null_resource.deploy is wgchain's own; give this one another id\n" +
      "net/other: null_resource.sz_config is wgchain's own; give this one another id",
  );
});

/** Says at once that each step is done, and writes down which host was told what. */
const QUICK = `#!/usr/bin/env bash
kind=$1 last=
if [[ $kind == outcome ]]; then echo unknown >"$WGCHAIN_SESSION/state"; exit 0; fi
while sleep 0.05; do
  read -r order <"$WGCHAIN_SESSION/order" || true
  [[ -n $order && $order != "$last" ]] || continue
  last=$order
  for word in $order; do
    echo "$WGCHAIN_NODE $word" >>wgchain/log
    case $word in
      bye) exit 0 ;;
      prepare) echo prepared ;;
      add) [[ ! -e fail ]] || { echo "error: told to fail" >>"$WGCHAIN_SESSION/said"; exit 1; }; echo added ;;
      switch) echo switched ;;
      check) echo checked ;;
      commit) echo committed ;;
      revert) echo reverted ;;
    esac >"$WGCHAIN_SESSION/state"
  done
done
`;

describe("under Terraform", () => {
  let lab: Lab;
  let workspace: Workspace;
  let resources: Record<string, Record<string, unknown>>;
  beforeAll(async () => {
    lab = await Lab.start();
    workspace = await lab.workspace("deploy");
    const host = join(workspace.dir, "wgchain");
    mkdirSync(host);
    copyFileSync(join(__dirname, "../host/deploy"), join(host, "deploy"));
    writeFileSync(join(host, "deliver"), QUICK);
    // Of the network only what does not need Google; the deploy's own text stays as it is.
    resources = nullResources();
    const literal = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll(/\$\{google_[^}]*\}/g, "192.0.2.1")) as unknown;
    for (const [name, one] of Object.entries(resources)) {
      delete one["//"];
      const after = ((one["depends_on"] ?? []) as string[]).filter((text) => text.startsWith("null_resource."));
      resources[name] = literal({ ...one, ...(after.length > 0 ? { depends_on: after } : { depends_on: undefined }) }) as Record<
        string,
        unknown
      >;
      if (name.endsWith("_membership")) delete resources[name]?.["provisioner"];
    }
  });
  afterAll(() => lab.stop());

  const log = (): string[] => {
    const file = join(workspace.dir, "wgchain/log");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    rmSync(file, { force: true });
    return lines;
  };
  const deployed = async (): Promise<{ code: number; committed: string[]; output: string }> => {
    const { code, output } = await workspace.apply({ null_resource: resources });
    const committed = log().flatMap((line) => (line.endsWith(" commit") ? [line.split(" ")[0] ?? ""] : []));
    return { code, committed: committed.sort(), output };
  };
  const change = (name: string): void => {
    resources[`${name}_config`] = {
      ...resources[`${name}_config`],
      triggers: { ...(resources[`${name}_config`]?.["triggers"] as Triggers), another: String(Math.random()) },
    };
  };
  const everybody = ["gcp", "hk", "hkt", "sz"];

  test("the first deploy takes all hosts, the second only the one whose configuration changed, the third none", async () => {
    expect(await deployed()).toMatchObject({ code: 0, committed: everybody });
    change("hk");
    expect(await deployed()).toMatchObject({ code: 0, committed: ["hk"] });
    expect(await deployed()).toMatchObject({ code: 0, committed: [] });
    const { code } = await workspace.plan({ null_resource: resources });
    expect(code).toBe(0);
  });

  test("after a deploy that failed all hosts are asked, whatever changed", async () => {
    change("hk");
    writeFileSync(join(workspace.dir, "fail"), "");
    const failed = await deployed();
    expect(failed.code).not.toBe(0);
    expect(failed.output).toContain("error: the deploy failed at 'add'");
    rmSync(join(workspace.dir, "fail"));
    log();
    expect(await deployed()).toMatchObject({ code: 0, committed: everybody });
  });

  test("a destroy ends well, also where host/deploy is not there", async () => {
    rmSync(join(workspace.dir, "wgchain"), { recursive: true });
    expect(await workspace.destroy()).toMatchObject({ code: 0 });
  });
});
