//! SPI through rppal, which opens the kernel's device like any other program would: any board with such a device will do.

use crate::config::SpiDevice;
use rppal::spi::{Mode, SlaveSelect, Spi};
use std::io;

/// One device on a bus.
pub(super) trait Bus {
    /// Sends these bytes and puts in their place what came meanwhile, all in one selection.
    fn transfer(&mut self, bytes: &mut [u8]) -> io::Result<()>;
}

impl Bus for Spi {
    fn transfer(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let sent = bytes.to_vec();
        Spi::transfer(self, bytes, &sent).map_err(error)?;
        Ok(())
    }
}

/// Opens a device at mode 0, highest bit first.
pub(super) fn open(device: SpiDevice, hertz: u32) -> io::Result<Spi> {
    use SlaveSelect::{
        Ss0, Ss1, Ss2, Ss3, Ss4, Ss5, Ss6, Ss7, Ss8, Ss9, Ss10, Ss11, Ss12, Ss13, Ss14, Ss15,
    };
    use rppal::spi::Bus::{Spi0, Spi1, Spi2, Spi3, Spi4, Spi5, Spi6};
    let buses = [Spi0, Spi1, Spi2, Spi3, Spi4, Spi5, Spi6];
    let selects = [
        Ss0, Ss1, Ss2, Ss3, Ss4, Ss5, Ss6, Ss7, Ss8, Ss9, Ss10, Ss11, Ss12, Ss13, Ss14, Ss15,
    ];
    let known = buses
        .get(usize::from(device.bus))
        .zip(selects.get(usize::from(device.select)));
    let Some((bus, select)) = known else {
        return Err(io::ErrorKind::NotFound.into());
    };
    Spi::new(*bus, *select, hertz, Mode::Mode0).map_err(error)
}

fn error(error: rppal::spi::Error) -> io::Error {
    if let rppal::spi::Error::Io(error) = error {
        return error;
    }
    io::Error::other(error)
}
