/** The reference network (main.ts) as the rows see it, and the changes of it that they deploy. */

/** Hosts that are configured; the VM comes with the first deploy. */
export const nodes = ["sz", "hk", "gcp", "hkt"] as const;
export type Node = (typeof nodes)[number];

export interface Source {
  readonly client: string;
  readonly address: string;
  /** What only this source asks for, so that a packet to it tells whose it is. An address of the internet host. */
  readonly target: string;
  /** Exits at which its packets may come out, in the network as it is and as the rows change it. */
  readonly exits: readonly Node[];
}

/** Goes to gcp; the one that most changes move to hkt. */
export const mover: Source = { client: "client", address: "10.66.224.2", target: "192.0.2.11", exits: ["gcp", "hkt"] };
/** Goes to gcp, whatever is done to others. */
export const bystander: Source = { client: "client2", address: "10.66.224.3", target: "192.0.2.12", exits: ["gcp"] };
/** Goes to hkt. */
export const viaHkt: Source = { client: "client", address: "10.66.225.2", target: "192.0.2.13", exits: ["hkt"] };
export const sources = [mover, bystander, viaHkt] as const;

/** All of the inner networks, and one outside of every interface's own for the row that needs it. */
export const innerNetworks = ["10.66.0.0/16", "10.77.0.0/16"] as const;
export const targetNetwork = "192.0.2.0/24";

export type Change = readonly (readonly [from: string, to: string])[];

/** A client changes its exit: nothing but map elements on sz. */
export const moved: Change = [
  [`from: ["10.66.224.2/32", "10.66.224.3/32"], via: wgp, snat: viaGcp`, `from: ["10.66.224.3/32"], via: wgp, snat: viaGcp`],
  [`from: ["10.66.225.2/32"], via: wgp, snat: viaHkt`, `from: ["10.66.225.2/32", "10.66.224.2/32"], via: wgp, snat: viaHkt`],
];

/** A client more: a peer and a map element on sz. */
export const newClient: Change = [
  [`    // Who leaves where`, `    wgs.addClient("client3", { addresses: ["10.66.224.4"] });\n\n    // Who leaves where`],
  [`"10.66.224.3/32"], via: wgp, snat: viaGcp`, `"10.66.224.3/32", "10.66.224.4/32"], via: wgp, snat: viaGcp`],
];

/**
 * Something of every kind, on three hosts: a tunnel more (sz to hkt), the mover through it, and the bystander under a label of its own,
 * which sz and hk must have both before a packet carries it.
 */
export const rich: Change = [
  [
    `    // People.`,
    `    const wg8 = new WgTunnel(this, "wg8", {
      server: hkt,
      client: sz,
      network: "10.66.8.0/24",
      serverAddress: "10.66.8.8",
      clientAddress: "10.66.8.250",
    });

    // People.`,
  ],
  [
    `    new SourcePolicy(this, "sz-gcp", { on: sz, from: ["10.66.224.2/32", "10.66.224.3/32"], via: wgp, snat: viaGcp });`,
    `    const second = new SnatLabel(this, "second", { tunnel: wgp, address: "10.66.220.226" });
    new SourcePolicy(this, "sz-gcp", { on: sz, from: ["10.66.224.3/32"], via: wgp, snat: second });
    new SourcePolicy(this, "sz-direct", { on: sz, from: ["10.66.224.2/32"], via: wg8 });`,
  ],
  [`{ on: hk, from: [viaGcp], via: wg6 }`, `{ on: hk, from: [viaGcp, second], via: wg6 }`],
];

/** hkt leaves the network, and its clients lose their exit. */
export const withoutHkt: Change = [
  [`import { Host, SnatLabel,`, `import { Host, RemovedNode, SnatLabel,`],
  [
    `const hkt = new WgNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }), exit: true });`,
    `new RemovedNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }) });`,
  ],
  [
    `    const wg7 = new WgTunnel(this, "wg7", {
      server: hkt,
      client: hk,
      network: "10.66.7.0/24",
      serverAddress: "10.66.7.7",
      clientAddress: "10.66.7.250",
    });
`,
    "",
  ],
  [`    new SourcePolicy(this, "sz-hkt", { on: sz, from: ["10.66.225.2/32"], via: wgp, snat: viaHkt });\n`, ""],
  [`    new SourcePolicy(this, "hk-hkt", { on: hk, from: [viaHkt], via: wg7 });\n`, ""],
];
