import { answers, callerIs, seesNothing, traceIs, type Scenario } from "../../lab";

const byServer = callerIs("client", "198.51.100.10", { target: "1.1.1.1" });

const scenario: Scenario = {
  internet: ["1.1.1.1", "1.0.0.1"],
  probes: [
    byServer,
    traceIs("client", "10.1.1.2", ["10.1.1.1", "1.1.1.1"], "1.1.1.1"),
    // Exactly that one.
    callerIs("client", "198.51.100.20", { target: "1.0.0.1" }),
    callerIs("client", "198.51.100.20"),
    // Who is there and calls the client is answered from the address that was called.
    answers("internet", "198.51.100.20", "ping", { source: "1.1.1.1" }),
    seesNothing("internet", "host 198.51.100.20 and host 1.1.1.1", byServer),
  ],
  without: [{ what: "the own route", replace: 'ownRoutes: ["1.1.1.1/32"]', by: "ownRoutes: []" }],
};

export default scenario;
