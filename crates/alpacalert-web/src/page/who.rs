//! Who is signed in, and how to be somebody else.

use maud::{Markup, html};

use super::asked::Asked;
use super::layout;
use super::parts::{TITLE, short};
use crate::access::SignIn;

/// Where one signs in, to come back to the first page: it shows more to those who may see more.
pub(super) const LOGIN: &str = "/login?next=/";

/// The name of who is signed in, with a way out where they came in here; for anybody else the way in, if there is one.
pub(super) fn who(asked: &Asked) -> Markup {
    let caller = &asked.caller;
    html! {
        @match &caller.name {
            Some(name) => div.who {
                @let title = match caller.session {
                    true => format!("Signed in as {name}"),
                    false => format!("{name}, as your browser or a proxy says with each request: there you sign out"),
                };
                span.name title=(title) { span.vh { "Signed in as " } (short(name, TITLE)) }
                @if caller.session {
                    // Only a form of our own can do this: a page elsewhere is refused by where it comes from.
                    form action="/logout" method="post" { button.word type="submit" { "Sign out" } }
                }
            },
            None if asked.sign_in != SignIn::Not => a.button href=(LOGIN) { "Sign in" },
            None => {}
        }
    }
}

/// What is shown after signing out where nobody sees anything without signing in: going on would sign in again at once.
pub(super) fn signed_out() -> Markup {
    let body = html! {
        section.trouble {
            h1 { "Signed out" }
            p { "This browser is not signed in here any more. Where you signed in you may still be." }
            p { a href=(LOGIN) { "Sign in" } }
        }
    };
    layout::bare("Signed out", body)
}
