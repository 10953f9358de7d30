//! Files whose last page is not whole.

use std::path::{Path, PathBuf};

use crate::StoreError;

/// A file of which every page is whole. Of a page that ends with the file the rest would be taken for zeros, and a row in it for
/// another one: then the whole pages are copied, and the copy is read.
pub(super) struct WholePages {
    pub(super) file: PathBuf,
    is_copy: bool,
}

/// The largest file that is copied.
const COPIED: u64 = 1 << 30;

impl WholePages {
    pub(super) fn of(file: &Path) -> Result<WholePages, StoreError> {
        let failed = |act| {
            move |error| StoreError::File {
                act,
                path: file.to_owned(),
                error,
            }
        };
        let (size, page) = measure(file).map_err(failed("look at"))?;
        if size % page == 0 {
            return Ok(WholePages {
                file: file.to_owned(),
                is_copy: false,
            });
        }
        if size > COPIED {
            let error = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
            return Err(failed("copy the whole pages of")(error));
        }
        let copy = WholePages {
            file: file.with_file_name("salvage.db"),
            is_copy: true,
        };
        let make = || {
            let log = beside(file, "-wal");
            if log.exists() {
                std::fs::copy(log, beside(&copy.file, "-wal"))?;
            }
            std::fs::copy(file, &copy.file)?;
            let made = std::fs::OpenOptions::new().write(true).open(&copy.file)?;
            made.set_len(size - size % page)
        };
        make().map_err(failed("copy the whole pages of"))?;
        Ok(copy)
    }
}

impl Drop for WholePages {
    fn drop(&mut self) {
        if self.is_copy {
            for part in ["-wal", "-shm", ""] {
                // It may not be there.
                let _ = std::fs::remove_file(beside(&self.file, part));
            }
        }
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The length of a file, and of a page in it.
fn measure(file: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::FileExt as _;
    let opened = std::fs::File::open(file)?;
    let mut page = [0; 2];
    let page = match opened.read_exact_at(&mut page, 16) {
        Ok(()) => u64::from(u16::from_be_bytes(page)),
        Err(_) => 0,
    };
    // 1 stands for 65536; what makes no sense is the usual.
    let page = match page {
        1 => 65_536,
        page if page >= 512 && page.is_power_of_two() => page,
        _ => 4096,
    };
    Ok((opened.metadata()?.len(), page))
}
