import { bystander, type Change } from "../reference";
import { require, withoutProof, type Row } from "../row";

/** Outside of wgs's own 10.66.224.0/19; the watch knows it for an inner address. */
const outside = "10.77.0.5";
const withOutside: Change = [
  [`    // Who leaves where`, `    wgs.addClient("outsider", { addresses: ["${outside}"] });\n\n    // Who leaves where`],
];

export const outsidePeer: Row = {
  name: "peer-outside-network",
  about:
    "A new peer whose address is outside of its interface's own network: refused before anything is sent, or never in the clear.",
  protection: {
    what: "the check of addresses, and the proof",
    edits: [
      withoutProof,
      ["lib/check/addresses.ts", "if (!client.interface.network.assignable(address)) {", 'if (address.toString() === "") {'],
    ],
  },
  async run(bench) {
    const { error } = await bench.tryDeploy(withOutside);
    if (error === undefined) {
      await bench.sh("sz", `ping -c5 -i0.2 -W0.2 -q ${outside} || true`);
      await bench.sh(bystander.client, `ping -c5 -i0.2 -W0.2 -q -I ${bystander.address} ${outside} || true`);
      return "deployed, and packets to it stay inside";
    }
    require(error.includes(outside), `the error does not name ${outside}:\n${error}`);
    await bench.requireStates(bench.old, "after the refusal");
    return `refused: ${(error.split("\n").find((line) => line.includes(outside)) ?? "").trim().slice(0, 120)}`;
  },
};
