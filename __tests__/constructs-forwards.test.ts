import { removeTemporaryDirectories } from "./support/directory";
import { gatewayNetwork } from "./support/gateway";
import { problemsOf, synthesizeOf } from "./support/synth";

afterAll(removeTemporaryDirectories);

test("x", () => {
  const { files } = synthesizeOf(
    gatewayNetwork({
      forwards: {
        https: { port: 443, to: "1.1.1.1" },
        web: { port: "8000-8002", protocol: "both", to: "192.168.1.10", toPort: 9000, source: "keep" },
      },
    }),
  );
  console.log(files["gw/etc/wgchain/elements"], files["gw/etc/wgchain/forwards"], files["gw/etc/wgchain/lans"]);
  expect(problemsOf(gatewayNetwork({ forwards: { ssh: { port: 22, to: "1.1.1.1" } } }))).toBe("");
});
