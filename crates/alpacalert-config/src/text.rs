//! The texts of a configuration, and places in them.

use std::ops::Range;
use std::sync::OnceLock;

use crate::mask::Seen;
use crate::yaml;

/// One file of the configuration, or a text that stands for one.
#[derive(Debug)]
pub(crate) struct File {
    /// Its name in messages.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) text: String,
    /// What of it others may see, once somebody asked; nothing when it is no YAML.
    seen: OnceLock<Option<Seen>>,
}

/// A range of bytes of one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    file: u32,
    start: u32,
    end: u32,
}

impl Span {
    /// A range of the file with this index. Files are far below 4 GiB, see [`crate::load`].
    pub(crate) fn new(file: usize, range: Range<usize>) -> Self {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            file: narrow(file),
            start: narrow(range.start),
            end: narrow(range.end.max(range.start)),
        }
    }

    pub(crate) fn file(self) -> usize {
        self.file as usize
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the start of this to the end of the other, which is in the same file.
    pub(crate) fn to(self, end: Span) -> Span {
        Span {
            end: end.end.max(self.end),
            ..self
        }
    }

    /// The part of this whose text is `needle`, or all of it where that is not written as such (escapes, folded lines).
    pub(crate) fn part(self, files: &[File], needle: &str) -> Span {
        let range = self.range();
        let found = files
            .get(self.file())
            .and_then(|file| file.text.get(range.clone()))
            .and_then(|text| text.find(needle));
        match found {
            Some(at) if !needle.is_empty() => Span::new(
                self.file(),
                range.start + at..range.start + at + needle.len(),
            ),
            _ => self,
        }
    }
}

impl File {
    pub(crate) fn new(name: String, text: String) -> File {
        File {
            name,
            text,
            seen: OnceLock::new(),
        }
    }

    /// What of it others may see; nothing when it is no YAML. Only mistakes are shown to others, so that it is read for that
    /// once more.
    pub(crate) fn seen(&self) -> Option<&Seen> {
        let seen = self.seen.get_or_init(|| {
            let tree = yaml::read(&self.text, 0, &mut Vec::new())?;
            Some(Seen::of(&tree))
        });
        seen.as_ref()
    }

    /// The range cut at the end of its first line, on character boundaries, and never empty where there is a character.
    pub(crate) fn first_line(&self, range: Range<usize>) -> Range<usize> {
        let start = self.floor(range.start);
        let line = self.text[start..]
            .find('\n')
            .unwrap_or(self.text.len() - start);
        let line = self.text[start..start + line].trim_end().len();
        let wanted = self.floor(range.end).saturating_sub(start);
        start..start + wanted.min(line)
    }

    /// The line and the column of a byte, both from 1; columns count characters.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let at = self.floor(at);
        let before = &self.text[..at];
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }

    fn floor(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at)
    }
}
