"""A macro."""

def doubled(name, src):
    """Makes two targets, neither of which has the name, of a file that nobody names."""
    for number in ["1", "2"]:
        native.genrule(
            name = "%s_%s" % (name, number),
            srcs = [src, "hidden.txt"],
            outs = ["%s_%s.txt" % (name, number)],
            cmd = "cat $(SRCS) > $@",
        )
