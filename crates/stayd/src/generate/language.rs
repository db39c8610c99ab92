//! What there is to know of the language around the keywords: a title, and paragraphs in which `this` is literal.

/// In the order in which a reader needs it.
pub const LANGUAGE: &[(&str, &[&str])] = &[
    (
        "Lines, words and blocks",
        &[
            "An entry is a keyword and its values, on one line of at most 1023 bytes. `#` and `!` start a comment, \
             unless they stand between double quotes or after a backslash. Words are separated by white space; \
             double quotes make one word of what is between them, without escapes.",
            "`{` opens the block of the keyword before it, at the end of the line or alone on the next one, and `}` \
             closes it. Keywords are case-sensitive. A file may be UTF-8 or anything else that has ASCII in it.",
            "A bad value is reported and the line ignored, and everything else is used. A keyword without the value \
             that it needs is something that the daemon does not start with (status 2). Where that is otherwise, the \
             keyword's entry says so. `stayd check FILE` prints every problem, `stayd explain KEYWORD` what is below.",
        ],
    ),
    (
        "Commands",
        &[
            "COMMAND is a program with its arguments, in double quotes if it has any; within them, single quotes and \
             backslashes work as in a shell. USER and GROUP after it say who runs it; the default is `script_user`.",
        ],
    ),
    (
        "include",
        &[
            "`include PATTERN` reads other files in its place, as the shell's wildcards and `{a,b}` match them, \
             relative to the file that it stands in. What is not there is passed over. Stricter forms end the start \
             with status 6: `includer` when a file cannot be read, `includem` also when a name without wildcard does \
             not exist, `includew` also when a wildcard matches nothing, `includeb` when an element of braces matches \
             nothing, `includea` in all these cases. `-e` makes all of them `includea`.",
        ],
    ),
    (
        "Conditions",
        &[
            "A line that starts with `@ID` counts only on the host of that name, one that starts with `@^ID` only on \
             the others. The name is that of `-i`, otherwise the host's up to the first dot.",
        ],
    ),
    (
        "Definitions",
        &[
            "`$NAME=value` at the start of a line defines a name; `$NAME` (before white space, a comma, a closing \
             parenthesis or the end of the line) and `${NAME}` (anywhere) stand for its value from then on. A value \
             goes on in the next line after a backslash, and may hold whole blocks; such a value is used on a line of \
             its own. A name that is not defined stays as it is.",
            "Always defined: `${_PWD}`, the folder of the file; `${_INSTANCE}`, the name for `@` lines; `${_RANDOM}`, \
             `${_RANDOM MAX}` and `${_RANDOM MIN MAX}`, a random number; `${_ENV NAME}`, a variable of the \
             environment; `${_HASH}` and `${_BANG}`, the characters that otherwise start a comment.",
        ],
    ),
    (
        "Sequences",
        &[
            "`~SEQ(NAME, START, STEP, END) text` stands for one line for each number, with `${NAME}` in the text; \
             START and STEP may be left out. `~SEQx` counts in hexadecimal digits. `~LST(NAME, a, b) text` and \
             `~LST({N, M}, {a, b}, {c, d}) text` do the same with words.",
        ],
    ),
];
