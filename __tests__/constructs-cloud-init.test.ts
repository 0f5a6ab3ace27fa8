import * as fs from "node:fs";
import * as path from "node:path";
import { cloudConfig } from "../lib/render/cloud-config";
import { cloudInitSchema, unpackedCloudInit } from "./support/cloud-init";
import { authorizedKey, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { synthesize } from "./support/synth";

// The first run on a machine downloads 2 MB.
jest.setTimeout(180_000);

beforeAll(() => void unpackedCloudInit());
afterAll(removeTemporaryDirectories);

function verdict(text: string) {
  const file = path.join(temporaryDirectory(), "user-data");
  fs.writeFileSync(file, text);
  return cloudInitSchema(file);
}

const userData = (): string => {
  const metadata = synthesize().resource["google_compute_instance"]?.["gcp_instance"]?.["metadata"];
  return (metadata as Record<string, string>)["user-data"] ?? "";
};

test("GIVEN the VM's user-data as synthesized, THEN cloud-init's own schema accepts it", () => {
  expect(verdict(userData())).toMatchObject({ valid: true });
});

test("GIVEN user-data with one key misspelt, THEN the schema refuses it", () => {
  const wrong = userData()
    .replace('"lock_passwd": true', '"lock_passwd": "perhaps"')
    .replace('"disable_root": true', '"disable_root": "never"');
  expect(wrong).not.toBe(userData());
  expect(verdict(wrong)).toMatchObject({ valid: false, output: expect.stringContaining("disable_root") as string });
});

test("GIVEN user-data without its first line, THEN it is refused: cloud-init would ignore it in silence", () => {
  expect(verdict(userData().replace("#cloud-config\n", ""))).toMatchObject({ valid: false });
});

test("user-data makes the user whom SSH lets in, and nothing more", () => {
  const text = cloudConfig({ user: "wgchain", authorizedKeys: [authorizedKey] });
  expect(text).toBe(userData());
  expect(text.split("\n")[0]).toBe("#cloud-config");
  expect(Object.keys(JSON.parse(text.replace("#cloud-config\n", "")) as object)).toEqual(["disable_root", "ssh_pwauth", "users"]);
});

test("user-data is no different with another configuration, or the VM would be told what it never does", () => {
  const [before, after] = [
    synthesize(),
    synthesize({ szGcp: { from: ["10.66.224.2"] }, client2: { addresses: ["10.66.224.9"] } }),
  ];
  expect(after.resource["google_compute_instance"]).toEqual(before.resource["google_compute_instance"]);
});
