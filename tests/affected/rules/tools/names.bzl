"""Constants."""

NAMES = ["named_1.txt", "//tools/other:named_2.txt"]
