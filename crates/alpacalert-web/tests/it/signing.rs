//! The way in and the way out, as people find them on the pages.

use std::path::PathBuf;

use alpacalert::config::{AccessPlan, Anonymous, ServePlan, UserPlan};
use alpacalert::model::State;
use alpacalert_testkit::{Browser, SharedBrowser};
use alpacalert_web::{Access, access::password};

use crate::access::{bearer, rules};
use crate::browser::{axe, problems};
use crate::canvas::{Canvas, shop};
use crate::oidc::scene_with;

const IN: &str = "href=\"/login?next=/\"";
const OUT: &str = "action=\"/logout\"";

async fn seen_by(rules: Option<&AccessPlan>) -> Canvas {
    let access = Access::new(rules, &ServePlan::default());
    Canvas::with(shop(State::Passing), access, None).await
}

#[tokio::test]
async fn pages_show_a_way_in_where_there_is_one_and_who_is_in() {
    // Nobody can sign in, and nobody has to.
    let open = seen_by(None).await;
    for path in ["/", "/public"] {
        let page = open.get(path).await.body;
        assert!(!page.contains("Sign") && !page.contains("/log"), "{page}");
    }
    // Programs have tokens; people have no way in.
    let tokens = seen_by(Some(&rules())).await;
    let page = tokens.get("/").await.body;
    assert!(page.contains("/public") && !page.contains(IN), "{page}");
    for path in ["/", "/tree", "/public"] {
        let page = tokens.get_with(path, &bearer("all")).await.body;
        assert!(page.contains("Signed in as </span>all"), "{page}");
        // What a browser sends with each request cannot be taken away here.
        assert!(!page.contains(OUT), "{page}");
    }
    let users = AccessPlan {
        users: vec![UserPlan {
            name: "anna".to_owned(),
            password: password::hash("x").unwrap(),
            read: alpacalert::config::ScopePlan::Everything,
        }],
        ..rules()
    };
    let people = seen_by(Some(&users)).await;
    for path in ["/", "/public"] {
        let page = people.get(path).await.body;
        assert!(page.contains(IN) && !page.contains("Signed in"), "{page}");
    }
    let refused = people.get_with("/tree", "Accept: text/html\r\n").await;
    assert!(refused.body.contains(IN), "{}", refused.body);
    let begun = people.get("/login?next=/").await;
    assert_eq!(begun.status, 401);
    assert!(
        begun.head.contains("www-authenticate: basic"),
        "{}",
        begun.head
    );
}

/// Looks at a page at every width and in all colours, and keeps a picture of each if somebody wants them.
fn look(browser: &Browser, name: &str, axe: Option<&str>) {
    let folder = std::env::var_os("ALPACALERT_LOOK").map(PathBuf::from);
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for width in [320, 390, 1280] {
            browser.size(width, 800);
            let wide = browser.run("return document.documentElement.scrollWidth");
            assert!(
                wide.as_u64() <= Some(width.into()),
                "{name} takes {wide} of {width}"
            );
            if let Some(folder) = &folder {
                let file = folder.join(format!("{name}-{width}-{scheme}.png"));
                std::fs::write(file, browser.picture(width, 500)).unwrap();
            }
            if let Some(axe) = axe {
                browser.run(&format!("if (!window.axe) {{ {axe} }}"));
                let found = browser.run_async("axe.run(document, { resultTypes: ['violations'] }).then(found => done(found.violations.map(v => v.id + ' ' + v.nodes[0].html)), error => done([String(error)]))");
                assert_eq!(found, serde_json::json!([]), "{name} {width} {scheme}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_way_in_and_out_with_a_browser() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let axe = axe();
    for anonymous in [Anonymous::Services, Anonymous::Nothing] {
        let rules = AccessPlan {
            anonymous,
            ..rules()
        };
        let Some(scene) = scene_with(None, rules).await else {
            return;
        };
        let browser = shared.window();
        let here = scene.url("/");
        if anonymous == Anonymous::Services {
            browser.go(here.as_str());
            look(&browser, "out", axe.as_deref());
            browser.run("document.querySelector('.tools a').click()");
        } else {
            // Every page leads to where one signs in.
            browser.go(here.as_str());
        }
        for _ in 0..2 {
            browser.wait("document.querySelector('input[name=prompt]')");
            browser.run("for (const field of document.querySelectorAll('input[name=login], input[name=password]')) field.value = 'anna'; document.querySelector('input[name=prompt]').dataset.old = 'yes'; document.querySelector('button[type=submit], input[type=submit]').click()");
            browser.wait("!document.querySelector('input[data-old]')");
        }
        browser.wait("document.querySelector('.who .name')");
        assert_eq!(browser.run("return location.href"), here.as_str());
        assert_eq!(
            browser.text(".who .name").replace('\n', " "),
            "Signed in as anna"
        );
        assert!(
            browser.text(".tabs").contains("Board"),
            "she may see everything"
        );
        look(&browser, "in", axe.as_deref());
        browser.go(scene.url("/public").as_str());
        assert_eq!(
            browser.text(".who .name").replace('\n', " "),
            "Signed in as anna"
        );
        look(&browser, "in-public", axe.as_deref());

        browser.run("document.querySelector('.who button').click()");
        match anonymous {
            Anonymous::Nothing => {
                browser.wait("document.querySelector('h1')?.innerText === 'Signed out'");
                assert_eq!(browser.run("return location.pathname"), "/signed-out");
                look(&browser, "signed-out", axe.as_deref());
            }
            _ => {
                browser.wait("document.querySelector('.tools a')?.innerText === 'Sign in'");
                assert_eq!(browser.run("return location.pathname"), "/");
            }
        }
        // The provider's pages are its own affair.
        let mut problems = problems(&browser);
        problems.retain(|problem| problem.contains(here.as_str()));
        assert_eq!(problems, Vec::<String>::new());
        // A page would lead to the provider, where she still is, and straight back in.
        let refused =
            browser.run_async("fetch('/api/v1/nodes').then(answer => done(answer.status))");
        assert_eq!(refused, 401);
    }
}
