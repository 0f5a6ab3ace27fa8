import { failoverLines, parseFailovers } from "../cli/failover-report";

const report = (text: string) => parseFailovers(text.split("\n").map((line) => line.split(" ")));

test("what a host says of its exits, for people", () => {
  const failovers = report(`interface wg6 up
failover gcp:wg6,hkt:wg7 hkt wg7 1000 measured
choice gcp:wg6,hkt:wg7 1 gcp wg6 dead 940 60
choice gcp:wg6,hkt:wg7 2 hkt wg7 alive 1009 0
failover jp:wg8,us:wg9 - closed 0 stopped
choice jp:wg8,us:wg9 1 jp wg8 dead 0 4
choice jp:wg8,us:wg9 2 us wg9 unknown 0 0`);
  expect(failoverLines(failovers, 1010).join("\n")).toMatchInlineSnapshot(`
   "gcp, else hkt: takes hkt by wg7, moved there 10 s ago
     gcp  wg6  DEAD   answered 70 s ago
     hkt  wg7  alive  answered 1 s ago
   jp, else us: CLOSED, none is alive; NOT MEASURED
     jp  wg8  DEAD     never answered
     us  wg9  unknown  never answered"
  `);
});

test("and for programs", () => {
  expect(report("failover a:b,c:d a b 0 measured\nchoice a:b,c:d 1 a b alive 5 0")).toEqual([
    {
      name: "a:b,c:d",
      exit: "a",
      interface: "b",
      since: null,
      measured: true,
      choices: [{ exit: "a", interface: "b", state: "alive", answered: 5 }],
    },
  ]);
});
