//! YAML 1.2 text to a tree with places, within limits.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, options};

use crate::diagnostic::Diagnostic;
use crate::text::Span;
use crate::tree::{Data, Key, Node, plain};

/// The deepest nesting: a configuration has about ten levels.
const MAX_DEPTH: usize = 64;

/// The most values of one file, aliases followed. A system of one sensor takes about ten: enough for 100,000 of them.
const MAX_NODES: usize = 1_000_000;

/// The most values and bytes that aliases may add to a file: they are there to save writing, not to multiply it.
const MAX_ALIASED: usize = 1_000_000;

/// Reads one document. `None` when it is not YAML, or a limit is passed; what is wrong goes to `found`.
pub(crate) fn read(text: &str, file: usize, found: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut reader = Reader {
        file,
        text_len: text.len(),
        stack: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        nodes: 0,
        aliased: 0,
        found,
    };
    let options = options! {
        // One more than allowed, so that the limit is reported in our words.
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
        emit_comments: false,
    };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len());
                let problem = match error.kind() {
                    ErrorKind::RecursionLimitExceeded => too_deep(),
                    _ => Diagnostic::error(format!("this is not YAML: {}", error.info())),
                };
                let problem = match text.as_bytes().get(at.saturating_sub(1)..=at) {
                    Some(around) if around.contains(&b'\t') => {
                        problem.help("YAML is indented with spaces, never with tabs")
                    }
                    _ => problem,
                };
                let span = reader.span(at..at + 1);
                reader.found.push(problem.at(span, ""));
                return None;
            }
        };
        let range = span.byte_range().unwrap_or(text.len()..text.len());
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                let problem = Diagnostic::error("a second document in one file");
                let span = reader.span(range);
                reader.found.push(problem.at(span, "it begins here").help(
                    "put it into a file of its own: all `.yaml` files of a folder are merged",
                ));
                return None;
            }
        }
        if let Err(problem) = reader.event(event, reader.span(range)) {
            reader.found.push(*problem);
            return None;
        }
    }
    Some(reader.root.unwrap_or(Node {
        span: Span::new(file, text.len()..text.len()),
        data: Data::Null,
    }))
}

/// A collection that is not complete.
struct Open {
    span: Span,
    anchor: usize,
    /// What the reader's counts were when it began: the difference is the size of what is inside.
    nodes_before: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        seen: HashMap<Arc<str>, Span>,
        pending: Option<Key>,
    },
}

struct Reader<'a> {
    file: usize,
    text_len: usize,
    stack: Vec<Open>,
    root: Option<Node>,
    /// What each anchor stands for, with the number of values and of bytes of text in it.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    aliased: usize,
    found: &'a mut Vec<Diagnostic>,
}

/// Ends the reading of a file.
type Fatal = Box<Diagnostic>;

impl Reader<'_> {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(
            self.file,
            range.start.min(self.text_len)..range.end.min(self.text_len),
        )
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fatal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let data = match style {
                    ScalarStyle::Plain => plain(&text),
                    _ => Data::Text(text.as_ref().into()),
                };
                self.count(span)?;
                self.complete(Node { span, data }, anchor, 1 + text.len())
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.open(span, anchor, OpenKind::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let kind = OpenKind::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    pending: None,
                };
                self.open(span, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err(Box::new(
                        Diagnostic::error("an alias inside of what it stands for")
                            .at(span, "this would never end"),
                    ));
                };
                let (node, size) = (node.clone(), *size);
                self.aliased = self.aliased.saturating_add(size);
                if self.aliased > MAX_ALIASED {
                    return Err(Box::new(
                        Diagnostic::error(format!(
                            "aliases multiply this file to more than {MAX_ALIASED} values and bytes"
                        ))
                        .at(span, "with this alias")
                        .help("write fewer aliases of aliases, or use `defaults`"),
                    ));
                }
                self.count(span)?;
                self.complete(node, 0, size)
            }
            _ => Ok(()),
        }
    }

    fn refuse_tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            self.found.push(
                Diagnostic::error("a YAML tag")
                    .at(span, "the tag of this value means nothing here")
                    .help("leave the tag (`!…`) out; quotes make text of a number"),
            );
        }
    }

    fn count(&mut self, span: Span) -> Result<(), Fatal> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Box::new(
                Diagnostic::error(format!("more than {MAX_NODES} values in one file"))
                    .at(span, "this one is too many")
                    .help("spread the configuration over several files of a folder"),
            ));
        }
        Ok(())
    }

    fn open(&mut self, span: Span, anchor: usize, kind: OpenKind) -> Result<(), Fatal> {
        if self.stack.len() == MAX_DEPTH {
            return Err(Box::new(too_deep().at(span, "")));
        }
        self.count(span)?;
        self.stack.push(Open {
            span,
            anchor,
            nodes_before: self.nodes + self.aliased,
            kind,
        });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Fatal> {
        let Some(open) = self.stack.pop() else {
            return Ok(());
        };
        let data = match open.kind {
            OpenKind::List(items) => Data::List(items),
            OpenKind::Map { entries, .. } => Data::Map(entries),
        };
        let span = open.span.to(end);
        let bytes = span.range().len();
        let size = (self.nodes + self.aliased).saturating_sub(open.nodes_before) + bytes;
        self.complete(Node { span, data }, open.anchor, size)
    }

    /// A value is whole: it becomes a key, a value, an item, or the document.
    fn complete(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Fatal> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open {
                kind: OpenKind::List(items),
                ..
            }) => items.push(node),
            Some(Open {
                kind:
                    OpenKind::Map {
                        entries,
                        seen,
                        pending,
                    },
                ..
            }) => match pending.take() {
                None => *pending = Some(key(node, self.found)),
                Some(key) => match seen.get(&key.text) {
                    Some(first) => self.found.push(
                        Diagnostic::error(format!("the key `{}` is there twice", key.text))
                            .at(key.span, "again")
                            .at(*first, "first"),
                    ),
                    None => {
                        seen.insert(Arc::clone(&key.text), key.span);
                        entries.push((key, node));
                    }
                },
            },
        }
        Ok(())
    }
}

fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("nested more than {MAX_DEPTH} levels deep"))
}

/// The key that a value is.
fn key(node: Node, found: &mut Vec<Diagnostic>) -> Key {
    let text: Arc<str> = match &node.data {
        Data::Text(text) | Data::Number(_, text) => Arc::clone(text),
        Data::Bool(value) => value.to_string().into(),
        Data::Null => {
            found.push(
                Diagnostic::error("a key without text")
                    .at(node.span, "write the key before the `:`"),
            );
            "".into()
        }
        Data::List(_) | Data::Map(_) => {
            found.push(
                Diagnostic::error("a list or a map as a key")
                    .at(node.span, "keys are texts")
                    .help("if this is meant as text, put quotes around it"),
            );
            "".into()
        }
    };
    if &*text == "<<" {
        found.push(
            Diagnostic::error("the merge key `<<`")
                .at(node.span, "YAML 1.2 has no merge keys")
                .help("write the keys out, or say them once in `defaults`; an alias can stand for a whole value"),
        );
    }
    Key {
        text,
        span: node.span,
    }
}
