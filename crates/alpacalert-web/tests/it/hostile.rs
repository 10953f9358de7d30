//! Text from outside that wants to be more than text, and paths that want to be elsewhere.

use alpacalert::model::{Node, State};
use alpacalert_testkit::SharedBrowser;

use crate::browser::problems;
use crate::canvas::{Canvas, Painted, page_of, sensor, service};

/// Where a page that did something of its own would go: to us, so that nothing leaves this machine even then.
const ELSEWHERE: &str = "http://127.0.0.2:9/";

/// Ways to make text act, after those that have worked on others.
fn payloads() -> Vec<String> {
    let act = "window.pwned=1";
    let ways = [
        format!("<script>{act}</script>"),
        format!("</script><script>{act}</script>"),
        format!("</title><script>{act}</script>"),
        format!("</textarea></select></option><script>{act}</script>"),
        format!("</noscript><script>{act}</script>"),
        format!("</svg><script>{act}</script>"),
        format!("<img src=x onerror={act}>"),
        format!("<img src={ELSEWHERE}a.png>"),
        format!("<svg onload={act}>"),
        format!("<svg><script>{act}</script></svg>"),
        format!("<svg><animate onbegin={act} attributeName=x>"),
        format!("<iframe srcdoc='<script>parent.{act}</script>'>"),
        format!("<object data={ELSEWHERE}>"),
        format!("<embed src={ELSEWHERE}>"),
        format!("<link rel=stylesheet href={ELSEWHERE}a.css>"),
        format!("<style>@import '{ELSEWHERE}a.css';</style>"),
        format!("<meta http-equiv=refresh content='0;url={ELSEWHERE}'>"),
        format!("<base href={ELSEWHERE}>"),
        format!("<form action={ELSEWHERE}><button autofocus>"),
        format!("<details open ontoggle={act}>"),
        format!("<input autofocus onfocus={act}>"),
        format!("<a href=\"javascript:{act}\">x</a>"),
        format!("javascript:{act}"),
        format!("JaVaScRiPt:{act}//"),
        format!("java\tscript:{act}"),
        "data:text/html,<script>parent.pwned=1</script>".to_owned(),
        format!("vbscript:{act}"),
        format!("\" onmouseover=\"{act}"),
        format!("' onmouseover='{act}"),
        format!("\" autofocus onfocus=\"{act}\" x=\""),
        format!("\"><script>{act}</script>"),
        format!("'><script>{act}</script>"),
        format!("` onclick={act} `"),
        format!("--><script>{act}</script>"),
        format!("]]><script>{act}</script>"),
        format!("<!--<script>{act}</script>"),
        format!("&lt;script&gt;{act}&lt;/script&gt;"),
        format!("&#60;script&#62;{act}&#60;/script&#62;"),
        format!("\u{ff1c}script\u{ff1e}{act}\u{ff1c}/script\u{ff1e}"),
        format!("\u{202e}<script>{act}</script>\u{202c}"),
        format!("\u{0}<script>{act}</script>"),
        format!("\u{1b}[31m<script>{act}</script>"),
        format!("<scr\u{0}ipt>{act}</script>"),
        format!("<math><mtext><script>{act}</script>"),
        format!("{{{{constructor.constructor('{act}')()}}}}"),
        format!("${{{act}}}"),
        format!("#{{{act}}}"),
        format!("//127.0.0.2:9/\"><script>{act}</script>"),
        format!("/\\127.0.0.2:9/{act}"),
        "../../../../etc/passwd".to_owned(),
    ];
    ways.into()
}

/// A graph in which everything that has a text has this one.
fn graph(nth: usize, text: &str) -> Vec<Painted> {
    // A reference takes no control characters.
    let reference: String = text.chars().filter(|c| !c.is_control()).collect();
    let leaf = format!("{reference} {nth}");
    let (node, seen) = sensor(&leaf, State::Failing, text);
    let leaf_node = Node {
        title: text.into(),
        owner: Some(text.into()),
        ..node
    };
    vec![
        service(&format!("s{nth}"), text, true, text, &[&leaf]),
        (leaf_node, seen),
    ]
}

/// Payloads on every page; `ALPACALERT_PAYLOADS=500` for the long form, in which each goes around alone.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_stays_text() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let payloads = payloads();
    let rounds = std::env::var("ALPACALERT_PAYLOADS").ok();
    let rounds: Option<usize> = rounds.and_then(|n| n.parse().ok());
    // In the short form a few go together; in the long form each goes alone, in a frame of others' text.
    let batches: Vec<Vec<String>> = match rounds {
        None => payloads.chunks(17).map(<[String]>::to_vec).collect(),
        Some(rounds) => (0..rounds)
            .map(|n| {
                let frame = ["", "x ", "\"", "'", ">", "</p>", "&", "\u{a0}", "<", "%3C"];
                let before = frame[n / payloads.len() % frame.len()];
                vec![format!("{before}{}", payloads[n % payloads.len()])]
            })
            .collect(),
    };
    let canvas = Canvas::new(vec![sensor("first", State::Passing, "")]).await;
    let browser = shared.window();
    let mut shown = 0;
    for (round, batch) in batches.iter().enumerate() {
        let nodes = batch.iter().enumerate();
        let nodes = nodes.flat_map(|(nth, text)| graph(round * 100 + nth, text));
        canvas.paint(nodes.collect());
        canvas
            .until("/nodes?state=failing", &format!("s{}", round * 100))
            .await;
        let leaf: String = batch[0].chars().filter(|c| !c.is_control()).collect();
        let leaf = format!("{leaf} {}", round * 100);
        let id: String = leaf.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let search: String = batch[0]
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        for path in [
            "/".to_owned(),
            "/public".to_owned(),
            "/tree".to_owned(),
            "/nodes".to_owned(),
            format!("/nodes?q={search}&owner={search}&kind={search}&source={search}"),
            page_of(&format!("s{}", round * 100)),
            format!("/node?id=painted/example.org/Thing/{id}"),
            format!("/tree?node={search}&open={search}&fold={search}"),
            format!("/?period={search}&span={search}&page={search}"),
        ] {
            browser.go(&canvas.url(&path));
            let found = browser.run(
                "return [window.pwned ?? null, document.querySelectorAll('script:not([src]), iframe, object, embed, img, base, main form:not(.filters):not(.moment), main style').length, \
                 [...document.querySelectorAll('[href], [src], [action]')].map(e => e.getAttribute('href') ?? e.getAttribute('src') ?? e.getAttribute('action')).filter(url => !/^[\\/#?](?![\\/\\\\])/.test(url) && url !== '')]",
            );
            assert_eq!(
                found,
                serde_json::json!([null, 0, []]),
                "{path} with {batch:?}"
            );
            shown += 1;
        }
        let own = format!("http://{}/", canvas.address);
        let foreign: Vec<String> = browser
            .requests()
            .into_iter()
            .filter(|url| !url.starts_with(&own) && url != "about:blank")
            .collect();
        assert!(foreign.is_empty(), "{batch:?} made it ask {foreign:?}");
        let refused: Vec<String> = problems(&browser)
            .into_iter()
            // The addresses of nodes that are not there are answered so.
            .filter(|problem| !problem.contains("404") && !problem.contains("400"))
            .collect();
        assert!(refused.is_empty(), "{batch:?}: {refused:?}");
    }
    println!(
        "{} payloads, {shown} pages",
        batches.iter().map(Vec::len).sum::<usize>()
    );
}

/// S6: a thousand ways to say `somewhere else`, below every address that takes a name.
#[tokio::test]
async fn no_path_leads_out() {
    let canvas = Canvas::new(vec![sensor("first", State::Passing, "")]).await;
    let ups = [
        "..",
        "%2e%2e",
        "%2E%2E",
        "..%2f",
        "..%5c",
        "%252e%252e",
        "..;",
        "....",
        "%c0%ae%c0%ae",
        "..%00",
    ];
    let ends = [
        "etc/passwd",
        "etc%2fpasswd",
        "page.css",
        "src/lib.rs",
        "Cargo.toml",
        "proc/self/environ",
        "%00",
        "C:%5cwindows",
        ".",
    ];
    let starts = [
        "/assets/",
        "/assets",
        "/assets/page.css/",
        "/",
        "//",
        "/node/",
        "/static/",
        "/.git/",
        "/api/",
        "/public/",
        "/tree/",
        "/theme/",
    ];
    let mut asked = 0;
    for start in starts {
        for up in ups {
            for end in ends {
                let path = format!("{start}{up}/{end}");
                let answer = canvas.get(&path).await;
                assert!(
                    [400, 404].contains(&answer.status),
                    "{path} is answered with {}",
                    answer.status
                );
                assert!(
                    !answer.body.contains("root:") && !answer.body.contains("[package]"),
                    "{path}"
                );
                asked += 1;
            }
        }
    }
    assert!(asked >= 1_000, "{asked}");
}
