# awk -v ours=FILE -f kcsan.awk CONSOLE: the data races that KCSAN has reported.
# FILE has the names of the functions in our files. A report is ours if one of
# the two accesses is in such a function, or in a helper of the library that was
# called there; of these each is shown in full, once, behind "ours: ". Of all
# reports there is a line with how often they came.
#
# Next to nothing of ours runs in interrupts. If the other access is in one, in a
# function of others, it is about what is inlined into ours, as the flags of the
# current task, and no report of ours.

function end_report()
{
	if (!title)
		return
	mine = mine && !foreign
	if (mine && !count[title, mine])
		printf "%s", text
	count[title, mine]++
	title = text = ""
}

BEGIN {
	while ((getline name < ours) > 0)
		is_ours[name] = 1
}
{
	sub(/\r$/, "")
	sub(/^\[ *[0-9.]+\] ?/, "")
}
/^=====/ {
	end_report()
}
/^BUG: KCSAN: / {
	end_report()
	title = $0
	sub(/^BUG: KCSAN: /, "", title)
	sub(/\+0x.*/, "", title)
	mine = foreign = found = 0
}
title {
	text = text "ours: " $0 "\n"
}
# An access, and the functions in which it is, the innermost first
title && / by (task|interrupt)/ {
	found = 0
	interrupt = / by interrupt/
}
title && !found && /^ [^ ]*\+0x/ {
	name = $1
	sub(/\+0x.*/, "", name)
	if (name !~ /^_*(copy|iov|mem|str|v?s[cn]*printf|seq|xas?|hash|rb|list|refcount|sort)(_|$|cpy|move|set|cmp|len)/) {
		found = 1
		if (name in is_ours)
			mine = 1
		else if (interrupt)
			foreign = 1
	}
}
END {
	end_report()
	for (key in count) {
		split(key, part, SUBSEP)
		printf "%s %5d times: %s\n", part[2] ? "ours:" : "others:", count[key], part[1] | "sort"
	}
}
