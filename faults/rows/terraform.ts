import { nothingChanged } from "../../lab";
import { moved, nodes, rich, withoutHkt } from "../reference";
import { require, type Row } from "../row";
import { Steps } from "../steps";
import { forgetNullResources, isTainted } from "../tfstate";
import { losesNothing, noRestart, requireClean } from "./changes";
import { revert } from "./killed";
import { startSshd, stopSshd } from "./unreachable";

/** As a colleague would: the same deploy once more, from the same directory and with the same environment. */
const again = `
  pid=$(ps -eo pid=,args= | awk '/wgchain\\/deploy apply/ && !/ -c / && !/awk/ { print $1; exit }')
  mapfile -d '' environment <"/proc/$pid/environ"
  cd -P "/proc/$pid/cwd"
  env -i "\${environment[@]}" bash wgchain/deploy apply 2>&1`;

const twoDeploys: Row = {
  name: "two-deploys",
  about:
    "A second deploy while the first is amid ADD: the second is refused by the hosts' lock and changes nothing, the first ends well.",
  protection: { what: "the lock", edits: [["host/program/00-base.bash", "flock -n 8 ||", "true ||"]] },
  async run(bench) {
    const fresh = await bench.statesOf(rich);
    const steps = new Steps(bench.host("sz"));
    await steps.arm(12);
    try {
      const first = bench.tryDeploy(rich);
      require(await steps.stopped(first), "the deploy did not come to sz's twelfth step");
      const second = await bench.host("operator").sh(again, { check: false, timeoutMs: 60_000 });
      await steps.disarm();
      require(second.status !== 0, `the second deploy went well:\n${second.stdout}`);
      require(/another deploy/.test(
        second.stdout,
      ), `the second deploy does not say why it failed:\n${second.stdout}${second.stderr}`);
      const { error } = await first;
      require(error === undefined, `the first deploy failed: ${error}`);
      await bench.requireStates(fresh, "after the first deploy");
      return "the second was refused, the first deployed";
    } finally {
      await steps.disarm();
    }
  },
};

const stateLost: Row = {
  name: "tfstate-lost",
  about:
    "Terraform has forgotten all that is ours (the VM is known, as after an import): the next deploy makes it anew over configured hosts, changes nothing there and loses no packet.",
  protection: noRestart,
  async run(bench) {
    const forgotten = forgetNullResources(bench.lab.paths.tfstate);
    const seen = await losesNothing(bench, [[]]);
    await bench.requireStates(bench.old, "after the deploy");
    return `${forgotten} forgotten and made anew: ${seen}, all hosts as they were`;
  },
};

const failedIsTainted: Row = {
  name: "failed-is-tainted",
  about:
    "A deploy that was reverted leaves its resource tainted, its message says what was restored, and the next deploy tries again.",
  protection: revert,
  async run(bench) {
    await bench.statesOf(moved);
    const steps = new Steps(bench.host("sz"));
    await steps.arm(3, "fail");
    const { error = "" } = await bench.tryDeploy(moved);
    await steps.disarm();
    require(/sz: .*reverted to generation/.test(
      error.replace(/\s+/g, " "),
    ), `the message does not say what was restored:\n${error.split("\n").slice(-30).join("\n")}`);
    require(isTainted(bench.lab.paths.tfstate, "deploy"), "null_resource.deploy is not tainted");
    const { output } = await bench.lab.diff();
    require(/null_resource\.deploy[^\n]* is tainted/.test(output), "the plan does not show the tainted resource");
    await bench.deploy(moved);
    await bench.requireStates(await bench.statesOf(moved), "after the next deploy");
    return "reverted, tainted, shown so by the plan, deployed by the next";
  },
};

const removedWhileDown: Row = {
  name: "node-removed-down",
  about:
    "A node leaves main.ts while its sshd is down: the deploy names it, all others work, and when it is back the next deploy cleans it.",
  protection: {
    what: "the removed node's destroy provisioner",
    edits: [
      [
        "constructs/removed-node.ts",
        `provisioner: [{ "local-exec": { when: "destroy", ...Delivery.destroy(name, connection, TerraformStack.of(this)) } }],`,
        "",
      ],
    ],
  },
  async run(bench) {
    await bench.sh("hkt", stopSshd);
    const { error } = await bench.tryDeploy(withoutHkt);
    await bench.sh("hkt", startSshd);
    require(error !== undefined && /hkt/.test(error), `no error that names hkt: ${error}`);
    await bench.requireSsh();
    await bench.deploy(withoutHkt);
    await requireClean(bench, "hkt");
    return "the first deploy failed naming hkt, the next cleaned it";
  },
};

const destroyOneDown: Row = {
  name: "destroy-one-down",
  about:
    "cdktf destroy while sshd of hkt is down: it names hkt; when it is back, destroy again leaves all hosts clean, keys aside.",
  protection: {
    what: "the membership's destroy provisioner",
    edits: [["constructs/delivery.ts", `provisioners: [{ type: "local-exec", when: "destroy", ...provisioner }],`, ""]],
  },
  async run(bench) {
    await bench.sh("hkt", stopSshd);
    const error = await bench.lab.destroy().then(
      () => undefined,
      (reason: Error) => reason.message,
    );
    await bench.sh("hkt", startSshd);
    require(error !== undefined && /hkt/.test(error), `no error that names hkt: ${error}`);
    await bench.requireSsh(nodes.filter((node) => node !== "gcp"));
    await bench.lab.destroy();
    for (const node of ["sz", "hk", "hkt"] as const) await requireClean(bench, node);
    require(!bench.lab.hosts.includes("gcp"), "the VM is still there");
    return "the first destroy failed naming hkt, the second left nothing but keys";
  },
};

const preview: Row = {
  name: "preview",
  core: true,
  about: "cdktf diff shows, in words, exactly what a change will do, and nothing when nothing changes.",
  protection: {
    what: "a trigger for each object",
    edits: [["constructs/delivery.ts", "return { ...triggerKeys(objects, resolve), ...machine,", "return { ...machine,"]],
  },
  async run(bench) {
    require(nothingChanged(await bench.lab.diff()), "the diff of an unchanged network finds something");
    bench.want(moved);
    const { output } = await bench.lab.diff();
    const replaced = [...output.matchAll(/null_resource\.(\w+)[^\n]* must be replaced/g)].map((match) => match[1]).sort();
    require(replaced.join() === "deploy,sz_config", `replaced: ${replaced.join()}`);
    const shown = output.split("\n").map((line) => line.replace(/^\S*\s+/, "").replace(/ +/g, " "));
    const wanted = `~ "source 10.66.224.2 on wgs" = "exit gcp via wgp from 10.66.220.224" -> "exit hkt via wgp from 10.66.220.225"`;
    require(shown.includes(wanted), `the diff does not have the line ${wanted}\n${output}`);
    return `${wanted}, on sz alone`;
  },
};

export const withTerraform: readonly Row[] = [twoDeploys, stateLost, failedIsTainted, preview, removedWhileDown, destroyOneDown];
