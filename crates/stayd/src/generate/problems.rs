//! docs/diagnostics.md: every code of a problem, and the formats that problems are printed in.

use std::fmt::Write as _;

use config::Code;

use super::header;

const INTRODUCTION: &str = "\
# Problems of a configuration

`stayd check FILE` and `stayd -t` print every problem of a configuration in one run. Each has a severity, a code, a place
(file, line, column), a label that says what happens now, and mostly a hint that says what to write instead:

- **error**: the daemon does not start with this, and refuses it at a reload;
- **warning**: wrong, and ignored, corrected or taken as meant, as keepalived does;
- **note**: nothing is wrong, but the reader should know; for example that a keyword has no effect yet.

The exit status is keepalived's: 0 nothing is wrong (or what is wrong is something of which keepalived says nothing), 2 a
word is missing without which it ends, 4 only interfaces are missing, 5 anything else, 6 scripts are run without
`enable_script_security`, or an `include` failed. With `--strict` every warning is an error: the status is then 5 where it
would be 0, the daemon does not start (status 2), and a reload is refused. Notes stay notes.

## Codes

`stayd explain CODE` prints the same. A code keeps its meaning in all later versions.

| code | what it means | what to do |
|---|---|---|
";

const FORMATS: &str = r"
## JSON

`stayd check --format json` prints one document. Fields may be added; none is renamed or removed unless `version` changes.

| field | type | what it is |
|---|---|---|
| `version` | number | 1 |
| `stayd` | string | version of the program |
| `file` | string | the file that was asked for |
| `strict` | boolean | whether warnings are errors |
| `status` | number | exit status of the check |
| `start_status` | number or null | status with which a starting daemon would end; null: it starts |
| `errors`, `warnings`, `notes` | number | how many there are of each |
| `diagnostics` | array | the problems, in the order in which they were found |

Each problem:

| field | type | what it is |
|---|---|---|
| `code` | string | one of the codes above |
| `severity` | string | `error`, `warning` or `note` |
| `message` | string | what is wrong |
| `file` | string | the file that it stands in, as the configuration reached it |
| `start`, `end` | object | `line` and `column`, both from 1, columns in characters; `end` is after the last character |
| `label` | string | what happens now; may be empty |
| `hint` | string or null | what to write instead |
| `related` | array | other places that matter: `file`, `start`, `end` and `label` of each |

## SARIF

`stayd check --format sarif` prints a SARIF 2.1.0 log for code review tools: one run, whose rules are the codes, with a
result for each problem. Relative file names stay relative, so run it from the root of the repository.
";

/// The page.
pub fn text() -> String {
    let mut text = header() + INTRODUCTION;
    for code in Code::ALL {
        // Writing to a string succeeds.
        let _ = writeln!(text, "| `{}` | {} | {} |", code.as_str(), code.meaning(), code.advice());
    }
    text + FORMATS
}
