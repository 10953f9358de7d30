//! Pictures for the documentation: the real output of a real run, drawn as SVG, and real pages in a real browser.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::run;

/// Size of a character cell and of the margin, in SVG units. The advance of the usual monospace fonts is 0.6 em.
const FONT: f64 = 14.0;
const CELL: f64 = FONT * 0.602;
const LINE: f64 = FONT * 1.45;
const MARGIN: f64 = 18.0;

/// Draws every picture of the documentation.
pub(crate) fn draw_all() -> Result<()> {
    if !run::cargo(&["build", "--package", "alpacalert-cli"], &[])? {
        bail!("cannot draw what does not build");
    }
    let root = run::root();
    let program = root.join("target/debug/alpacalert");
    let example = |args: &[&str]| {
        let mut command = Command::new(root.join("examples/reports/run"));
        command.args(args).env("ALPACALERT", &program);
        command
    };
    let pictures = root.join("docs/pictures");
    draw(
        "alpacalert check",
        &mut example(&["check"]),
        &pictures.join("check.svg"),
    )?;
    draw(
        "alpacalert explain report-generation",
        &mut example(&["explain", "report-generation"]),
        &pictures.join("explain.svg"),
    )?;
    photograph(
        &mut example(&["serve", "--listen", "127.0.0.1:0"]),
        &pictures.join("pages"),
    )
}

/// Takes pictures of pages in a browser: of the example, and of a shop in trouble that the tests of the pages paint.
fn photograph(example: &mut Command, to: &Path) -> Result<()> {
    // Before the example begins: its worker counts as gone a minute later.
    let camera = ["test", "-p", "alpacalert-web", "--test", "it"];
    if !run::cargo(&[&camera[..], &["--no-run"]].concat(), &[])? {
        bail!("cannot take pictures with what does not build");
    }
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let state = std::env::temp_dir().join(format!("alpacalert-pictures-{}", std::process::id()));
    let mut serving = example
        .arg("--state")
        .arg(&state)
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot serve the example")?;
    let stdout = serving.stdout.take().context("the example says nothing")?;
    let said = BufReader::new(stdout).lines().map_while(Result::ok);
    let url = said
        .filter_map(|line| line.strip_prefix("serving on ").map(str::to_owned))
        .next();
    let taken = url
        .context("the example does not say where it is")
        .and_then(|url| {
            // Its sensors are measured within half a minute, each at a time of its own.
            std::thread::sleep(Duration::from_secs(35));
            run::cargo(
                &[
                    "test",
                    "-p",
                    "alpacalert-web",
                    "--test",
                    "it",
                    "pictures",
                    "--",
                    "--ignored",
                ],
                &[
                    ("ALPACALERT_PICTURES", &to.to_string_lossy()),
                    ("ALPACALERT_PICTURES_OF", &url),
                ],
            )
        });
    // The example is a script with two children: all of the group is to end.
    run::status(Command::new("kill").args(["--", &format!("-{}", serving.id())]))?;
    serving.wait().context("cannot wait for the example")?;
    // A leftover in the system's folder for temporary files harms nobody.
    let _ = std::fs::remove_dir_all(&state);
    if !taken? {
        bail!("the pictures of the pages could not be taken");
    }
    let mut quantize = Command::new("pngquant");
    quantize.args(["--force", "--strip", "--speed", "1", "--ext", ".png", "48"]);
    for entry in std::fs::read_dir(to).context("cannot list the pictures")? {
        quantize.arg(entry.context("cannot list the pictures")?.path());
    }
    match run::status(&mut quantize)? {
        true => Ok(()),
        false => bail!("pngquant could not make the pictures small"),
    }
}

/// Runs a command of ours with colours on, and writes what it prints as a picture. `shown` is the command as a reader
/// would type it.
fn draw(shown: &str, command: &mut Command, to: &Path) -> Result<()> {
    let output = command
        .env("CLICOLOR_FORCE", "1")
        .env("COLUMNS", "100")
        .output()
        .with_context(|| format!("cannot run `{shown}`"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let svg = svg(&format!("$ {shown}\n{}", text.trim_end()));
    std::fs::write(to, svg).with_context(|| format!("cannot write {}", to.display()))?;
    run::say(&format!("wrote {}", to.display()));
    Ok(())
}

/// How a run of characters looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Style {
    color: Option<&'static str>,
    bold: bool,
    dim: bool,
}

fn svg(ansi: &str) -> String {
    let lines: Vec<Vec<(Style, String)>> = parse(ansi);
    let columns = lines
        .iter()
        .map(|line| line.iter().map(|(_, text)| text.chars().count()).sum())
        .max()
        .unwrap_or(0_usize);
    let width = columns as f64 * CELL + 2.0 * MARGIN;
    let height = lines.len() as f64 * LINE + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"{FONT}\" fill=\"#c9d1d9\" style=\"white-space:pre\">\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN + (row as f64 + 0.75) * LINE;
        let mut column = 0;
        for (style, text) in line {
            // Renderers drop spaces at the edges of a text: they become places instead.
            let indent = text.chars().take_while(|c| *c == ' ').count();
            let x = MARGIN + (column + indent) as f64 * CELL;
            column += text.chars().count();
            let text = text.trim_matches(' ');
            let length = text.chars().count();
            if length == 0 {
                continue;
            }
            let mut attributes = String::new();
            if let Some(color) = style.color {
                // Writing to a string cannot fail.
                let _ = write!(attributes, " fill=\"{color}\"");
            }
            if style.bold {
                attributes.push_str(" font-weight=\"bold\"");
            }
            if style.dim {
                attributes.push_str(" opacity=\"0.65\"");
            }
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\"{attributes}>{}</text>",
                length as f64 * CELL,
                escape(text)
            );
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Splits text with ANSI colour sequences into lines of runs that look alike.
fn parse(ansi: &str) -> Vec<Vec<(Style, String)>> {
    let mut lines = vec![Vec::new()];
    let mut style = Style::default();
    let mut run = String::new();
    let mut rest = ansi.chars();
    let flush = |run: &mut String, style, lines: &mut Vec<Vec<_>>| {
        if !run.is_empty()
            && let Some(line) = lines.last_mut()
        {
            line.push((style, std::mem::take(run)));
        }
    };
    while let Some(c) = rest.next() {
        match c {
            '\n' => {
                flush(&mut run, style, &mut lines);
                lines.push(Vec::new());
            }
            '\u{1b}' => {
                flush(&mut run, style, &mut lines);
                let sequence: String = rest
                    .by_ref()
                    .skip(1)
                    .take_while(|c| !c.is_ascii_alphabetic())
                    .collect();
                sequence.split(';').for_each(|code| apply(&mut style, code));
            }
            c => run.push(c),
        }
    }
    flush(&mut run, style, &mut lines);
    lines
}

/// One code of a "select graphic rendition" sequence (ECMA-48, 8.3.117), as far as we print them.
fn apply(style: &mut Style, code: &str) {
    match code {
        "" | "0" => *style = Style::default(),
        "1" => style.bold = true,
        "2" => style.dim = true,
        "22" => (style.bold, style.dim) = (false, false),
        "39" => style.color = None,
        "30" | "90" => style.color = Some("#8b949e"),
        "31" | "91" => style.color = Some("#f85149"),
        "32" | "92" => style.color = Some("#3fb950"),
        "33" | "93" => style.color = Some("#d29922"),
        "34" | "94" => style.color = Some("#58a6ff"),
        "35" | "95" => style.color = Some("#bc8cff"),
        "36" | "96" => style.color = Some("#39c5cf"),
        "37" | "97" => style.color = Some("#f0f6fc"),
        _ => {}
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_colours_from_text() {
        let lines = parse("a\u{1b}[1;31mb\u{1b}[0m\nc");
        let red = Style {
            color: Some("#f85149"),
            bold: true,
            dim: false,
        };
        assert_eq!(
            lines,
            [
                vec![(Style::default(), "a".to_owned()), (red, "b".to_owned())],
                vec![(Style::default(), "c".to_owned())],
            ]
        );
    }

    #[test]
    fn markup_in_output_stays_text() {
        assert!(svg("<b>&").contains("&lt;b&gt;&amp;"));
    }
}
