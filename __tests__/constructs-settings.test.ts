import { App } from "cdktf";
import { revertSeconds } from "../constructs/settings";
import { removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { problems, synthesize } from "./support/synth";

afterAll(removeTemporaryDirectories);

describe("context wgchain:revertSeconds", () => {
  const read = (value?: unknown): number =>
    revertSeconds(
      new App({ outdir: temporaryDirectory(), context: value === undefined ? {} : { "wgchain:revertSeconds": value } }).node,
    );
  test("is 60 unless set", () => {
    expect(read()).toBe(60);
  });
  test.each([0, 10, 60, 3_600])("may be %i", (seconds) => {
    expect(read(seconds)).toBe(seconds);
  });
  test.each([9, 1, -1, -0.5, 3_601, 10.5, "60", "", true, false, null, [60], {}])("may not be %j", (value) => {
    expect(() => read(value)).toThrow(
      `context wgchain:revertSeconds ${JSON.stringify(value)} is out of range; write a whole number from 10 to 3600 (seconds) in cdktf.json, or 0 for never`,
    );
  });
});

describe("repairEvery", () => {
  const units = (files: Readonly<Record<string, string>>): string[] =>
    Object.keys(files).filter((name) => name.includes("wgchain-repair"));
  test("is never unless set, and then on that node alone", () => {
    expect(units(synthesize().files)).toEqual([]);
    const { files } = synthesize({ hk: { repairEvery: "1h 30min" } });
    expect(units(files)).toEqual(["hk/etc/systemd/system/wgchain-repair.service", "hk/etc/systemd/system/wgchain-repair.timer"]);
    expect(files["hk/etc/systemd/system/wgchain-repair.timer"]).toMatchInlineSnapshot(`
     "# made by wgchain
     [Unit]
     Description=wgchain: repair every 1h 30min

     [Timer]
     OnBootSec=1h 30min
     OnUnitActiveSec=1h 30min
     AccuracySec=5s

     [Install]
     WantedBy=timers.target
     "
    `);
    expect(files["hk/etc/systemd/system/wgchain-repair.service"]).toMatchInlineSnapshot(`
     "# made by wgchain
     [Unit]
     Description=wgchain: converge with what was last deployed
     After=wgchain.service

     [Service]
     Type=oneshot
     ExecStart=/usr/local/lib/wgchain/wgchain-host repair
     "
    `);
  });
  test("is a time span", () => {
    expect(problems({ hk: { repairEvery: "5m" } })).toMatchInlineSnapshot(
      `"net/hk: repairEvery '5m' is not a time span; write whole numbers of s, min, h or d, e.g. "5min" or "1h 30min""`,
    );
    expect(problems({ hk: { repairEvery: "" } })).toMatchInlineSnapshot(
      `"net/hk: repairEvery '' is not a time span; write whole numbers of s, min, h or d, e.g. "5min" or "1h 30min""`,
    );
    expect(problems({ hk: { repairEvery: "5min\nExecStart=/bin/sh" } })).toContain("is not a time span");
  });
  test("is a minute at least and a week at most", () => {
    expect(problems({ hk: { repairEvery: "59s" }, gcp: { repairEvery: "8d" } })).toMatchInlineSnapshot(`
     "net/hk: repairEvery '59s' is 59 seconds; take a time span from 60 to 604800 seconds
     net/gcp: repairEvery '8d' is 691200 seconds; take a time span from 60 to 604800 seconds"
    `);
  });
});
