//! What is wrong with a configuration, where, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use alpacalert_model::sanitize;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::mask::Masked;
use crate::text::{File, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, and likely does not do what was meant.
    Warning,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Words may quote the configuration, and that may hold anything.
fn harmless(text: impl Into<String>) -> String {
    sanitize(&text.into()).into_owned()
}

/// One mistake, with its places in the configuration.
#[derive(Clone)]
pub struct Diagnostic {
    severity: Severity,
    message: String,
    /// The first is where the mistake is; the others are what it has to do with.
    labels: Vec<(Span, String)>,
    notes: Vec<String>,
    files: Arc<Vec<File>>,
}

impl Diagnostic {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            message: harmless(message),
            labels: Vec::new(),
            notes: Vec::new(),
            files: Arc::default(),
        }
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(message)
        }
    }

    /// Where it is, with a few words under the caret. Later calls add places that it has to do with.
    pub(crate) fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push((span, harmless(label)));
        self
    }

    /// A sentence on what to do.
    pub(crate) fn help(mut self, note: impl Into<String>) -> Self {
        self.notes.push(harmless(note));
        self
    }

    pub(crate) fn in_files(mut self, files: &Arc<Vec<File>>) -> Self {
        self.files = Arc::clone(files);
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is; nothing for a file that could not be read at all.
    pub fn position(&self) -> Option<Position> {
        let (span, _) = self.labels.first()?;
        let file = self.files.get(span.file())?;
        let (line, column) = file.position(span.range().start);
        Some(Position {
            file: file.name.clone(),
            line,
            column,
        })
    }

    /// With the lines of the file, carets and hints, for a terminal if `color`. For whoever writes the configuration: what is
    /// wrong may hold a secret.
    pub fn render(&self, color: bool) -> String {
        self.draw(color, false)
    }

    /// The same for others: a log, a page. Values of keys for secrets, and what looks like one, are hidden, and so are comments;
    /// of a file that is not YAML no line is shown.
    pub fn render_for_others(&self, color: bool) -> String {
        let mut shown = self.clone();
        for file in self.files.iter() {
            let Some(seen) = file.seen() else {
                continue;
            };
            seen.scrub(&mut shown.message);
            let labels = shown.labels.iter_mut().map(|(_, label)| label);
            labels
                .chain(&mut shown.notes)
                .for_each(|text| seen.scrub(text));
        }
        shown.draw(color, true)
    }

    fn draw(&self, color: bool, masked: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&self.message));
        let masked: Vec<(usize, Option<Masked>)> = match masked {
            true => self.masked(),
            false => Vec::new(),
        };
        let mut drawn: Vec<usize> = Vec::new();
        for (span, _) in &self.labels {
            if !drawn.contains(&span.file()) {
                drawn.push(span.file());
                match masked.iter().find(|(file, _)| *file == span.file()) {
                    None => group = group.elements(self.excerpt(span.file(), None)),
                    Some((file, Some(masked))) => {
                        group = group.elements(self.excerpt(*file, Some(masked)));
                    }
                    Some((_, None)) => {
                        let place = self.place(*span);
                        group = group.elements(place.map(|place| Level::NOTE.message(place)));
                    }
                }
            }
        }
        for note in &self.notes {
            group = group.element(Level::HELP.message(note));
        }
        let text = renderer.render(&[group]);
        // The renderer draws most of what could fool a terminal, and not all of it. What is left of escape sequences by now
        // are its own colours.
        let mut shown = String::with_capacity(text.len());
        let mut alone = [0; 4];
        for c in text.chars() {
            match color && c == '\u{1b}' {
                true => shown.push(c),
                false => shown.push_str(&sanitize(c.encode_utf8(&mut alone))),
            }
        }
        shown
    }

    /// The lines of each file as others may see them.
    fn masked(&self) -> Vec<(usize, Option<Masked>)> {
        let files = self.files.iter().enumerate();
        let files = files.filter_map(|(index, file)| {
            let (part, _) = self.lines(index)?;
            let seen = file.seen();
            Some((index, seen.map(|seen| seen.masked(&file.text, part))))
        });
        files.collect()
    }

    /// Where a label is, in words.
    fn place(&self, span: Span) -> Option<String> {
        let file = self.files.get(span.file())?;
        let (line, column) = file.position(span.range().start);
        Some(format!("at {}:{line}:{column}", file.name))
    }

    fn here(&self, index: usize) -> impl Iterator<Item = (usize, &(Span, String))> {
        let labels = self.labels.iter().enumerate();
        labels.filter(move |(_, (span, _))| span.file() == index)
    }

    /// The lines of one file from its first label to its last, and where its labels are.
    fn lines(&self, index: usize) -> Option<(Range<usize>, Vec<Range<usize>>)> {
        let file = self.files.get(index)?;
        let ranges: Vec<_> = self
            .here(index)
            .map(|(_, (span, _))| file.first_line(span.range()))
            .collect();
        let first = ranges.iter().map(|range| range.start).min()?;
        let last = ranges.iter().map(|range| range.end).max()?;
        let start = file.text[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = file.text[last..]
            .find('\n')
            .map_or(file.text.len(), |at| last + at);
        Some((start..end, ranges))
    }

    /// The lines of one file from its first label to its last; the renderer leaves out what is between.
    fn excerpt<'a>(
        &'a self,
        index: usize,
        masked: Option<&'a Masked>,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let file = self.files.get(index)?;
        let (Range { start, end }, ranges) = self.lines(index)?;
        let source = match masked {
            None => &file.text[start..end],
            Some(masked) => &masked.text,
        };
        let place = |range: &Range<usize>| match masked {
            None => range.start - start..range.end - start,
            Some(masked) => masked.range(range.clone()),
        };
        let mut snippet = Snippet::source(source)
            .path(&file.name)
            .line_start(file.position(start).0);
        for ((number, (_, label)), range) in self.here(index).zip(&ranges) {
            let kind = match number {
                0 => AnnotationKind::Primary,
                _ => AnnotationKind::Context,
            };
            let mut annotation = kind.span(place(range));
            if !label.is_empty() {
                annotation = annotation.label(label);
            }
            snippet = snippet.annotation(annotation);
        }
        Some(snippet)
    }

    fn key(&self) -> Option<Span> {
        self.labels.first().map(|(span, _)| *span)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.severity, self.message)?;
        match self.position() {
            Some(at) => write!(f, " at {}:{}:{}", at.file, at.line, at.column),
            None => Ok(()),
        }
    }
}

impl PartialEq for Diagnostic {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message && self.labels == other.labels
    }
}

/// Everything that is wrong with a configuration, in the order of the files.
#[derive(Clone, PartialEq)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    /// How many there are beyond those kept.
    more: usize,
}

impl Diagnostics {
    /// How many are kept. More than a screen or two is of no use, and texts from outside must not cost without end.
    pub const MAX: usize = 100;

    /// Sorted, each once, at most [`Diagnostics::MAX`]; `more` were already left out.
    pub(crate) fn new(mut all: Vec<Diagnostic>, more: usize) -> Self {
        // Stable: of several at one place the first found is the first shown.
        all.sort_by_key(Diagnostic::key);
        all.dedup();
        let left_out = all.len().saturating_sub(Self::MAX);
        all.truncate(Self::MAX);
        Diagnostics {
            all,
            more: more + left_out,
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.all
    }

    /// Each of them, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.all.iter()
    }

    /// With the lines of the files, carets and hints, for a terminal if `color`. For whoever writes the configuration: see
    /// [`Diagnostic::render`].
    pub fn render(&self, color: bool) -> String {
        self.draw(|diagnostic| diagnostic.render(color))
    }

    /// The same for others: see [`Diagnostic::render_for_others`].
    pub fn render_for_others(&self, color: bool) -> String {
        self.draw(|diagnostic| diagnostic.render_for_others(color))
    }

    fn draw(&self, one: impl Fn(&Diagnostic) -> String) -> String {
        let mut out = String::new();
        for diagnostic in &self.all {
            out.push_str(&one(diagnostic));
            out.push_str("\n\n");
        }
        if self.more > 0 {
            out.push_str(&format!("and {} more\n", self.more));
        }
        out.truncate(out.trim_end().len());
        out
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics::new(vec![diagnostic], 0)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.all).finish()
    }
}

impl std::error::Error for Diagnostics {}
