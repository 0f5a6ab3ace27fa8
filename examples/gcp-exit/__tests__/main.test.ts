import { join } from "node:path";
import "../../../constructs/jest";
import { removeTemporaryDirectories } from "../../../__tests__/support/directory";
import { synthesizeExample, type Example } from "../../../__tests__/support/example";

jest.setTimeout(60_000);

let example: Example;
beforeAll(async () => {
  example = await synthesizeExample(join(__dirname, ".."));
});
afterAll(removeTemporaryDirectories);

test("the tunnel has 60 bytes less than Google's network, at both ends", () => {
  expect(example.resource["google_compute_network"]?.["gcp_network"]).toMatchObject({ mtu: 1460 });
  const mtus = ["hk", "gcp"].map((node) => /^wg6 mtu (\d+)/m.exec(example.files[`${node}/etc/wgchain/interfaces`] ?? "")?.[1]);
  expect(mtus).toEqual(["1400", "1400"]);
});

test("the phone leaves with the address that Google gives, and may send 1400 bytes whole", () => {
  expect(example.network).toExit("phone", "gcp", { as: "google_compute_address.gcp_address.address" });
  expect(example.network.waysOf("phone").map(({ mtuBytes }) => mtuBytes)).toEqual([1400]);
});

test("what is made at Google", () => {
  const made = Object.entries(example.resource).filter(([type]) => type.startsWith("google_"));
  expect(made.flatMap(([type, ones]) => Object.keys(ones).map((name) => `${type}.${name}`))).toMatchInlineSnapshot(`
   [
     "google_compute_address.gcp_address",
     "google_compute_firewall.gcp_allow_ssh",
     "google_compute_firewall.gcp_allow_udp_wg6",
     "google_compute_instance.gcp_instance",
     "google_compute_network.gcp_network",
     "google_compute_subnetwork.gcp_subnetwork",
   ]
  `);
});
