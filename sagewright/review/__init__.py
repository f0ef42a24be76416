"""The review of plans: what a person must know before they are applied, from one model into every format.

`build` makes a `Review` of what `sagewright.gate` has judged; `markdown`, `document`, `sarif` and `junit`
write it. All of them are pure: the same plans give the same bytes.
"""
