import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeployMachine } from "./host/stand-in";
import { keyPair } from "./host/payload";

// host/deploy and host/deliver over real sshds, with hosts that only speak the protocol: what is tested is the order of things, and that all of them
// change or none does. What a host really does is in host.test.ts and host-revert.test.ts.
jest.setTimeout(90_000);
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

const directory = mkdtempSync(join(tmpdir(), `wgct-${process.pid}-`));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const all = ["sz", "hk", "gcp", "hkt"];

describeAsRoot("deploy apply", () => {
  let m: DeployMachine;
  beforeAll(async () => {
    m = await DeployMachine.start("dep", directory, [
      { name: "sz", rank: 2 },
      { name: "hk", rank: 1 },
      { name: "gcp", rank: 0, more: "new=1 keys=wg6" },
      { name: "hkt", rank: 0 },
    ]);
  });
  afterAll(() => m.machine.stop());
  beforeEach(() => m.reset());
  afterEach(async () => {
    // A session that was cut off takes some time to see it.
    await m.until("nothing is left", () => m.left() === "", 15);
  });
  const of = (what: string): string[] => m.log().filter((line) => line.endsWith(` ${what}`));
  const at = (line: string): number => {
    const found = m.log().indexOf(line);
    if (found < 0) throw new Error(`no '${line}' in\n${m.log().join("\n")}`);
    return found;
  };
  const outcomes = (): string =>
    m.machine.run("cd /run/stand-in; for n in sz hk gcp hkt; do echo $n $(cut -d' ' -f2 $n.outcome 2>/dev/null); done").out;

  test("prepare all, add exits to entries, switch all, check all in new sessions, commit entries to exits", () => {
    for (const name of all) for (const step of ["prepare", "add"]) m.misbehave(name, step, "slow");
    const done = m.apply();
    expect(done).toMatchObject({ status: 0 });
    const orders = m.timed().filter(({ what }) => !/^(added|committed)$/.test(what));
    const stages = orders.map(({ what }) => what).filter((what, index, list) => what !== list[index - 1]);
    expect(stages).toEqual(["prepare", "add", "switch", "check", "commit", "bye"]);
    expect(of("add").map((line) => line.split(" ")[0])).toEqual([
      expect.stringMatching(/gcp|hkt/),
      expect.stringMatching(/gcp|hkt/),
      "hk",
      "sz",
    ]);
    expect(at("hk add")).toBeGreaterThan(Math.max(at("gcp added"), at("hkt added")));
    expect(at("sz add")).toBeGreaterThan(at("hk added"));
    expect(Math.max(at("gcp add"), at("hkt add"))).toBeLessThan(Math.min(at("gcp added"), at("hkt added")));
    expect(at("hk commit")).toBeGreaterThan(at("sz committed"));
    expect(Math.min(at("gcp commit"), at("hkt commit"))).toBeGreaterThan(at("hk committed"));
    const switches = m.timed().flatMap((one) => (one.what === "switch" ? [one.at] : []));
    expect(Math.max(...switches) - Math.min(...switches)).toBeLessThan(500);
    expect(of("bye")).toHaveLength(4);
    expect(done.out).toMatch(
      /^prepare sz hk gcp hkt \(4 of 4 hosts\)\nadd gcp hkt\nadd hk\nadd sz\ncheck\ncommit sz\ncommit hk\ncommit gcp hkt\n/,
    );
    expect(done.out).toMatch(
      /4 of 4 hosts in [\d.]+ s: prepared [\d.]+ s, added [\d.]+ s, switched [\d.]+ s, checked [\d.]+ s, committed [\d.]+ s\n$/,
    );
    expect(outcomes()).toBe("sz committed\nhk committed\ngcp committed\nhkt committed\n");
    expect(m.machine.ok("cat /run/stand-in/hk.lease")).toBe("60\n");
    expect(Number(m.machine.ok("wc -l </run/stand-in/hk.beats"))).toBeGreaterThan(0);
  });

  test("nobody is checked before all have switched, however soon its second session is there", () => {
    m.reset((text) => text.replace("add_bound=120", "add_bound=3"));
    m.misbehave("gcp", "switch", "hang");
    const done = m.apply();
    expect(done).toMatchObject({ status: 1 });
    expect(done.out).toContain("error: the deploy failed at 'switch':\n  gcp: no answer to 'switched' within 3 s\n");
    expect([of("check"), of("commit")]).toEqual([[], []]);
    expect(outcomes()).toBe("sz reverted\nhk reverted\ngcp reverted\nhkt reverted\n");
  });

  test("beats come every two seconds while another host takes its time", () => {
    m.misbehave("gcp", "add", "hang");
    m.reset((text) => text.replace("add_bound=120", "add_bound=6"));
    m.misbehave("gcp", "add", "hang");
    const done = m.apply();
    expect(done).toMatchObject({ status: 1 });
    expect(done.out).toContain("  gcp: no answer to 'added' within 6 s\n");
    expect(Number(m.machine.ok("wc -l </run/stand-in/sz.beats"))).toBeGreaterThanOrEqual(4);
    expect(outcomes()).toBe("sz\nhk\ngcp reverted\nhkt reverted\n");
  });

  test("one host that refuses: nobody is told to add, and its reason is the last word", () => {
    m.misbehave("hk", "prepare", "fail");
    const done = m.apply();
    expect(done).toMatchObject({ status: 1 });
    expect(done.out).toContain("[hk] wgchain-host: hk cannot do 'prepare'\n");
    expect(done.out).toMatch(
      /error: the deploy failed, and nothing was changed:\n {2}hk: wgchain-host: hk cannot do 'prepare'\nrun the deploy again\n$/,
    );
    expect([of("add"), of("revert"), of("EOF")]).toEqual([[], [], []]);
    expect(of("bye").sort()).toEqual(["gcp bye", "hkt bye", "sz bye"]);
  });

  test("hosts that cannot be reached are all named, and nobody is told to add", () => {
    m.machine.ok("pkill -f 'sshd.* -p 220[23] '");
    const done = m.apply();
    expect(done).toMatchObject({ status: 1 });
    const summary = done.out.slice(done.out.indexOf("nothing was changed:"));
    expect(summary).toMatch(
      / {2}hk: node hk \(ssh root@198\.51\.100\.20 port 2202\) cannot be reached, tried for 2 s: .*refused/,
    );
    expect(summary).toMatch(/ {2}gcp: node gcp .* cannot be reached/);
    expect([of("add"), of("EOF")]).toEqual([[], []]);
  });

  describe.each(["add", "switch", "check", "commit"])("a host that fails at %s", (step) => {
    test.each([
      ["says why", "fail"],
      ["is cut off", "cut"],
    ])("and %s: all that are not committed go back", (_, how) => {
      m.misbehave("hk", step, how);
      const done = m.apply();
      expect(done).toMatchObject({ status: 1 });
      expect(done.out).toContain(`error: the deploy failed at '${step}':\n  hk: `);
      if (how === "fail") expect(done.out).toContain(`  hk: wgchain-host: hk cannot do '${step}'\n`);
      expect(done.out).toMatch(/\n {2}hk: reverted to the old: .*\n(.*\n)*run the deploy again\n$/);
      const after = step === "add" ? ["gcp", "hkt"] : step === "commit" ? ["gcp", "hkt"] : ["sz", "gcp", "hkt"];
      for (const name of after) {
        expect(of("revert")).toContain(`${name} revert`);
        expect(done.out).toContain(`\n  ${name}: reverted to the old: the deploy failed\n`);
      }
      const sz = { add: "sz", switch: "sz reverted", check: "sz reverted", commit: "sz committed" }[step];
      expect(outcomes()).toBe(`${sz}\nhk reverted\ngcp reverted\nhkt reverted\n`);
      if (step === "add") expect(done.out).toContain("\n  sz: nothing was changed\n");
      expect(of("committed")).toEqual(step === "commit" ? ["sz committed"] : []);
    });
  });

  test("a host that goes back by itself while another adds: all go back", () => {
    m.misbehave("gcp", "add", "late");
    m.misbehave("hk", "add", "slow");
    m.misbehave("sz", "add", "slow");
    const done = m.apply();
    expect(done).toMatchObject({ status: 1 });
    expect(done.out).toMatch(/ {2}gcp: reverted to the old: the lease was over\n/);
    expect(of("commit")).toEqual([]);
    expect(outcomes()).not.toContain("committed");
  });

  test("a second session that is lost before the first commit: nobody commits", () => {
    m.misbehave("gcp", "checked", "cut");
    m.misbehave("sz", "check", "slow");
    const done = m.apply();
    expect(done).toMatchObject({ status: 1 });
    expect(done.out).toContain("error: the deploy failed at 'check':\n  gcp: ");
    expect(outcomes()).toBe("sz reverted\nhk reverted\ngcp reverted\nhkt reverted\n");
  });

  test("a commit whose answer was lost is asked for, and told", () => {
    m.misbehave("hk", "committed", "cut");
    const done = m.apply();
    expect(done).toMatchObject({ status: 1 });
    expect(done.out).toContain("error: the deploy failed at 'commit':\n  hk: ");
    expect(done.out).toMatch(/\n {2}sz: committed\n {2}hk: committed\n {2}gcp: reverted .*\n {2}hkt: reverted .*\n/);
  });

  test("who is gone and cannot be asked is waited for until its lease must be over, and named", () => {
    m.reset((text) => text.replace("bound=$((lease + 15))", "bound=$((lease + 3))"));
    m.misbehave("hk", "switch", "dead");
    const start = Date.now();
    const done = m.apply({ WGCHAIN_REVERT_SECONDS: "1" });
    expect(Date.now() - start).toBeLessThan(15_000);
    expect(done).toMatchObject({ status: 1 });
    expect(done.out).toContain(
      "  hk: it could not be asked what became of it, and goes back by itself when it has heard of no deploy for 1 s\n",
    );
    expect(done.out).toContain("  sz: reverted to the old: the deploy failed\n");
  });

  describe("when who ordered it is gone", () => {
    const added = (): boolean => of("added").length > 0;
    beforeEach(async () => {
      m.misbehave("hk", "add", "hang");
      m.begin();
      await m.until("exits have added", () => of("added").length === 2 && of("add").length === 3);
    });

    test("the deploy, killed: every session's input ends within a second or so", async () => {
      m.machine.ok("kill -9 $(cat /run/pid)");
      const took = await m.until("all reverted", () => of("reverted").length === 3 && of("EOF").length === 4, 5);
      expect(took).toBeLessThan(2000);
    });

    test.each(["INT", "TERM", "HUP"])("the deploy, by SIG%s: an orderly revert and status 130", async (signal) => {
      m.machine.ok(`kill -${signal} $(cat /run/pid)`);
      await m.until("its end", () => m.machine.run("cat /run/status").out === "130\n");
      expect(of("revert")).toHaveLength(4);
      expect(of("EOF")).toEqual([]);
      const out = m.machine.ok("cat /run/out");
      expect(out).toContain(`  it was ended by SIG${signal}\n`);
      expect(out).toContain("  gcp: reverted to the old: the deploy failed\n");
      expect(added()).toBe(true);
    });

    test("a terminal's ^C, which all its processes get: no session breaks", async () => {
      m.machine.ok("for p in $(cat /run/pid) $(pgrep -f 'wgchain/[d]eliver|ssh [-]T'); do kill -INT $p; done");
      await m.until("its end", () => m.machine.run("cat /run/status").out === "130\n");
      expect([of("revert").length, of("EOF")]).toEqual([4, []]);
    });

    test("Terraform, killed: an orderly revert", async () => {
      m.machine.ok("kill -9 $(cat /run/tf)");
      await m.until("its end", () => m.machine.run("cat /run/out").out.includes("what ran it is gone"));
      // sz had added nothing: it is told to go back, and has nothing to tell of it.
      await m.until("all ended", () => of("reverted").length === 3 && of("revert").length === 4);
      expect(of("EOF")).toEqual([]);
    });
  });

  test("killed while it prepares: nothing was changed, and nothing goes on", async () => {
    m.misbehave("hk", "prepare", "hang");
    m.begin();
    await m.until("prepared", () => of("prepare").length === 4);
    m.machine.ok("kill -9 $(cat /run/pid)");
    await m.until("the ends", () => of("EOF").length === 4, 3);
    expect([of("add"), of("reverted")]).toEqual([[], []]);
  });

  describe("takes only the hosts that changed", () => {
    const before = (lines: string): string => `WGCHAIN_BEFORE="${lines}" bash wgchain/deploy before`;
    const both = (lines: string): string => `${before(lines)}; bash wgchain/deploy apply`;
    const took = (): string[] => of("commit").map((line) => line.split(" ")[0] ?? "");

    test("by what the same Terraform kept", () => {
      const done = m.run(both("sz=10\nhk=oldid\ngcp=12\ngone=99"));
      expect(done).toMatchObject({ status: 0 });
      expect(done.out).toContain("prepare hk hkt (2 of 4 hosts)\n");
      expect(took()).toEqual(["hk", "hkt"]);
      expect(m.machine.run(`ls -A '${m.stack}/wgchain' | grep before`).out).toBe("");
    });
    test("none: it says so", () => {
      expect(m.run(both("sz=10\nhk=11\ngcp=12\nhkt=13"))).toEqual({ status: 0, out: "no host's configuration changed\n" });
      expect(m.log()).toEqual([]);
    });
    test("all, where an id is only the beginning of another", () => {
      expect(m.run(both("sz=101\nhk=1\ngcp=112\nxhkt=13")).out).toContain("(4 of 4 hosts)");
    });
    test("all, where another Terraform kept it", () => {
      expect(m.run(before("sz=10\nhk=11\ngcp=12\nhkt=13"))).toEqual({ status: 0, out: "" });
      expect(m.apply().out).toContain("(4 of 4 hosts)");
    });
    test("all, where another Terraform of the same pid kept it", () => {
      const file = join(m.stack, "wgchain/.before");
      m.run(before("sz=10\nhk=11\ngcp=12\nhkt=13"));
      const start = readFileSync(file, "utf8").split(/[ \n]/)[1];
      expect(start).toMatch(/^\d+$/);
      const done = m.run(`sed -i "1s/.*/$$ ${start}/" wgchain/.before; bash wgchain/deploy apply`);
      expect(done.out).toContain("(4 of 4 hosts)");
    });
    test("all, where nothing was kept", () => {
      expect(m.apply().out).toContain("(4 of 4 hosts)");
    });
    test("keeping it never fails", () => {
      const done = m.run(`mkdir wgchain/.before.new; ${before("sz=10")}`);
      expect(done).toMatchObject({ status: 0 });
      expect(done.out).toContain("Is a directory");
    });
  });

  test("a key is sent to its host alone, by standard input", () => {
    const { private: key } = keyPair();
    m.machine.ok(`mkdir -p '${directory}/private'; umask 077; echo ${key} >'${directory}/private/gcp.wg6.key'`);
    m.machine.spawn(
      "while [ ! -e /run/enough ]; do ps -eo args; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; done >/run/seen",
    );
    const done = m.apply();
    m.machine.ok(`touch /run/enough; rm -r '${directory}/private'`);
    expect(done).toMatchObject({ status: 0 });
    expect(m.machine.ok("cat /run/stand-in/*.secrets")).toBe(`key wg6 ${key}\n`);
    expect(m.machine.ok("ls /run/stand-in/*.secrets")).toBe("/run/stand-in/gcp.secrets\n");
    const seen = m.machine.ok("cat /run/seen");
    expect(seen).toContain("deliver confirm");
    expect(seen + done.out).not.toContain(key);
  });

  test("what takes the payload apart may read ahead: no order is lost", () => {
    m.machine.ok(`printf '%s\\n' '#!/usr/bin/perl' 'my $n = $ARGV[1]; my $all = "";' \\
      'while (length($all) < $n) { sysread(STDIN, my $part, 1 << 20) or last; $all .= $part; }' 'print substr($all, 0, $n);' >/usr/local/bin/head
      chmod +x /usr/local/bin/head`);
    const done = m.apply();
    m.machine.ok("rm /usr/local/bin/head");
    expect(done).toMatchObject({ status: 0 });
  });

  test.each([
    [
      "an unknown word",
      "node=a id=1 rank=0 destination=d alias=a colour=red",
      "WGCHAIN_HOSTS has 'colour=red'; that is nothing this knows",
    ],
    ["a word twice", "node=a id=1 rank=0 destination=d alias=a alias=b", "'alias=b' without a value, or twice"],
    ["a node twice", "node=a id=1 rank=0 destination=d alias=a\nnode=a id=1 rank=0 destination=d alias=a", "has node a twice"],
    ["a rank that is none", "node=a id=1 rank=01 destination=d alias=a", "the rank of a is '01'"],
    ["no destination", "node=a id=1 rank=0 alias=a", "a lacks destination or alias"],
    ["an id with a newline's worth of shell", "node=a id=$(id) rank=0 destination=d alias=a", "the id of a is '$(id)'"],
    ["a path for a name", "node=../a id=1 rank=0 destination=d alias=a", "'../a' is not a node's name"],
    ["no host", "", "WGCHAIN_HOSTS names no host"],
  ])("%s is an error that names it", (_, hosts, message) => {
    const refused = m.apply({ WGCHAIN_HOSTS: hosts });
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toContain(message);
  });

  test("what killed runs have left on this machine is removed after a day, and nothing else is", () => {
    const there = `cd '${join(directory, "tmp")}'`;
    m.machine.ok(`${there}; mkdir wgchain-deliver.aaaaaaaaaa wgchain-deploy.aaaaaaaaaa wgchain-deliver.bbbbbbbbbb wgchain-other
      touch -d '25 hours ago' *.aaaaaaaaaa wgchain-other`);
    expect(m.apply()).toMatchObject({ status: 0 });
    expect(m.machine.ok(`${there}; ls; rm -r wgchain-*`)).toBe("wgchain-deliver.bbbbbbbbbb\nwgchain-other\n");
  });
  test("a lease that is none is an error", () => {
    expect(m.apply({ WGCHAIN_REVERT_SECONDS: "1m" }).out).toContain("WGCHAIN_REVERT_SECONDS is '1m'");
  });
  test("without a lease nothing waits for a revert that nobody makes", () => {
    m.misbehave("hk", "check", "fail");
    const done = m.apply({ WGCHAIN_REVERT_SECONDS: "0" });
    expect(done).toMatchObject({ status: 1 });
    expect(m.machine.ok("cat /run/stand-in/hk.lease")).toBe("0\n");
  });
});
void writeFileSync;
