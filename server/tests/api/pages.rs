//! The pages as browsers meet them: signing in, rights, forms, and what other sites must not do.

mod browser;
mod doing;
mod rights;
mod signing_in;

use browser::Browser;
