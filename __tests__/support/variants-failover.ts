import { added, instead, without, type Variant } from "./broken";

/** The reference network in which what leaves at gcp fails over to hkt, as defects of the renderer would make it. Table 895098 is that of both. */
export const failover: readonly Variant[] = [
  [
    "the second choice has no label of its own",
    "while hk sends to hkt by wg7 …should leave at hkt and be answered",
    without("hk elements", /^label_on_wg7 10.66.220.224 /),
  ],
  [
    "the second choice gets the label of the first tunnel",
    "while hk sends to hkt by wg7 …should leave at hkt and be answered",
    instead("hk elements", "label_on_wg7 10.66.220.224 : 10.66.7.250", "label_on_wg7 10.66.220.224 : 10.66.6.250"),
  ],
  [
    "the second choice is the first once more",
    "is declared for hkt, too, but no state leads there",
    instead("hk choices", "2 exit hkt dev wg7 table 104368 from 10.66.7.250", "2 exit gcp dev wg6 table 239452 from 10.66.6.250"),
  ],
  [
    "a choice that nobody declared",
    "10.66.225.2 (client) is not declared for gcp, but there is a state that leads there",
    added("hk failover", () => "hkt:wg7,gcp:wg6 table 104368 every 1 down 3 up 5 hold 60 ask 1.1.1.1"),
    added(
      "hk choices",
      () =>
        "hkt:wg7,gcp:wg6 1 exit hkt dev wg7 table 104368 from 10.66.7.250\nhkt:wg7,gcp:wg6 2 exit gcp dev wg6 table 239452 from 10.66.6.250",
    ),
  ],
  [
    "what measures the second exit goes by the first tunnel",
    "what measures hkt from hk should leave at hkt and be answered",
    instead("hk choices", "exit hkt dev wg7 table 104368", "exit hkt dev wg7 table 239452"),
  ],
  [
    "what measures is sent from an address that the exit does not let out",
    "what measures hkt from hk should leave at hkt and be answered",
    instead("hk choices", "from 10.66.7.250", "from 10.66.7.251"),
  ],
  [
    "no rule for what measures: it never gets out",
    "what measures gcp from hk should leave at gcp and be answered",
    without("hk rules", /^pref 10090 .* lookup 239452 /),
  ],
  [
    "measured by the table that is moved: it would measure whichever is taken",
    "what measures gcp from hk should leave at gcp and be answered whichever exit is taken",
    instead("hk choices", "exit gcp dev wg6 table 239452", "exit gcp dev wg6 table 895098"),
    added("hk rules", () => "pref 10090 iif lo fwmark 0xda87a lookup 895098 protocol 119"),
  ],
  [
    "with no exit alive the table does not end",
    "table 895098 of hk has no `unreachable default`",
    without("hk routes", /^unreachable default table 895098 /),
  ],
  ["a line that cannot be read", "no choice of ours", instead("hk choices", "exit hkt dev wg7", "exit hkt by wg7")],
  ["one choice only", "it has no two choices", without("hk choices", / 2 exit /)],
];
