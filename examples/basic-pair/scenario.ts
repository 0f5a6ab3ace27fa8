import { answers, silent, traceIs, type Scenario } from "../../lab";

const scenario: Scenario = {
  internet: ["1.1.1.1"],
  probes: [
    answers("client", "10.1.1.1"),
    answers("server", "10.1.1.2"),
    // One hop, however many lie between.
    traceIs("client", "10.1.1.2", ["10.1.1.1"], "10.1.1.1"),
    traceIs("client", "198.51.100.20", ["192.0.2.1", "198.51.100.10"], "198.51.100.10"),
    // The internet stays where it was.
    traceIs("client", "198.51.100.20", ["1.1.1.1"], "1.1.1.1"),
    silent("client", "1.1.1.1", "ping", { source: "10.1.1.2" }),
  ],
  without: [{ what: "the server's address in it", replace: 'serverAddress: "10.1.1.1"', by: 'serverAddress: "10.1.1.3"' }],
};

export default scenario;
