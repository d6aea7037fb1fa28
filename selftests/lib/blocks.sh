# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Blocks of the documents, and the commands in them. What a block is stands in its first line:
#
#   ```sh TEST          commands, all of which the test of that name runs (selftests/**/TEST.sh)
#   ```yaml             a whole configuration: mtlb config check takes it
#   ```yaml KIND        keys of a document of that kind, instead of those of docs/example
#   ```text             output, a drawing, or a file: nobody types it
#
# A test that runs commands asks at its end what of its blocks it has left out (doc_untyped). Sourced,
# runs nothing by itself.

DOC_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
DOC_TYPED=()

# doc_files: all documents, as seen from the root.
doc_files() {
	(cd "$DOC_ROOT" && find README.md docs -name '*.md' | sort)
}

# doc_lines FILE TEST: a line for each command in blocks of that test: the heading that it is under, a
# tab, how it must end, a tab, the command. Its comment may say how: "exits with 2", or "until it is
# stopped". What ends in a backslash goes on in the next line.
doc_lines() {
	awk -v word="$2" '
	/^##* / && !inside { heading = $0; sub(/^#* /, "", heading) }
	/^ *```/ {
		inside = !inside
		wanted = inside && $1 == "```sh" && $2 == word
		next
	}
	!inside || !wanted { next }
	{
		sub(/^[ \t]+/, "")
		if (command == "")
			end = 0
		if (match($0, /(^| +)# .*$/)) {
			comment = substr($0, RSTART)
			$0 = substr($0, 1, RSTART - 1)
			if (comment ~ /until it is stopped/)
				end = "stopped"
			else if (match(comment, /exits with [0-9]+/))
				end = substr(comment, RSTART + 11, RLENGTH - 11)
		}
		command = command $0
		if (sub(/\\$/, "", command) || command == "")
			next
		print heading "\t" end "\t" command
		command = ""
	}' "$DOC_ROOT/$1"
}

# doc_commands FILE TEST [HEADING]: the commands alone.
doc_commands() {
	doc_lines "$1" "$2" | awk -F'\t' -v heading="${3:-}" 'heading == "" || $1 == heading { print $3 }'
}

# doc_typed FILE COMMAND: remembers that it was run.
doc_typed() {
	DOC_TYPED+=("$1: $2")
}

# doc_untyped TEST: "FILE: COMMAND" of those that the test has not run.
doc_untyped() {
	local file
	doc_files | while IFS= read -r file; do
		doc_commands "$file" "$1" | sed "s|^|$file: |"
	done | grep -vxF -e "$(printf '%s\n' "${DOC_TYPED[@]}")"
}

# doc_fences FILE: "LINE FIRST-LINE" of all its blocks.
doc_fences() {
	awk '/^ *```/ { if (!inside) { sub(/^ */, ""); print NR, $0 } inside = !inside }
	END { if (inside) print NR, "```not-closed" }' "$DOC_ROOT/$1"
}

# doc_block FILE LINE: what is in the block that begins there.
doc_block() {
	awk -v line="$2" 'NR > line && /^ *```/ { exit } NR > line' "$DOC_ROOT/$1"
}

# doc_hidden FILE: "LINE TEXT" of what looks like a command in blocks that nobody types.
doc_hidden() {
	awk '/^ *```/ { inside = !inside; text = $1 == "```text"; next }
	inside && text && /^ *([$#] )?(mtlb|mtlbd|mtlb-top|make|systemctl|apt-get|curl|ip|sysctl|ethtool|openssl) [a-z\/.-]/ {
		print NR, $0 }' "$DOC_ROOT/$1"
}

# doc_anchors FILE: what its headings can be reached by, as GitHub makes them.
doc_anchors() {
	awk '/^ *```/ { inside = !inside } /^#+ / && !inside { sub(/^#+ /, ""); print tolower($0) }' "$DOC_ROOT/$1" |
		sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

# doc_links FILE: the targets of its links, but not those in code.
doc_links() {
	awk '/^ *```/ { inside = !inside } !inside' "$DOC_ROOT/$1" | sed 's/`[^`]*`//g' |
		grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//' | sort -u
}
