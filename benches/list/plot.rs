//! How something grows, as a table for programs and as a picture.

use std::fmt::Write;
use std::fs;

use crate::place_of;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
/// Around the area that the lines are in.
const MARGIN: f64 = 64.0;
/// One for each line; they can be told apart by people who see few colours.
const COLOURS: [&str; 4] = ["#d55e00", "#0072b2", "#009e73", "#cc79a7"];

/// Milliseconds against a size, a line for each series.
pub struct Plot {
    size: &'static str,
    series: Vec<&'static str>,
    points: Vec<(usize, Vec<f64>)>,
}

impl Plot {
    pub fn new(size: &'static str, series: &[&'static str]) -> Plot {
        Plot { size, series: series.to_vec(), points: Vec::new() }
    }

    /// The times of all series for one size.
    pub fn add(&mut self, size: usize, milliseconds: Vec<f64>) {
        self.points.push((size, milliseconds));
    }

    /// Writes `name.csv` and `name.svg` to the documentation.
    pub fn write(&self, name: &str) {
        fs::write(place_of(&format!("{name}.csv")), self.csv()).expect("a writable repository");
        fs::write(place_of(&format!("{name}.svg")), self.svg()).expect("a writable repository");
    }

    fn csv(&self) -> String {
        let mut text = format!("{},{}\n", self.size.replace(',', ""), self.series.join(","));
        for (size, times) in &self.points {
            let times: Vec<String> = times.iter().map(|time| format!("{time:.1}")).collect();
            let _ = writeln!(text, "{size},{}", times.join(","));
        }
        text
    }

    fn svg(&self) -> String {
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let widest = most(&mut self.points.iter().map(|(size, _)| *size as f64));
        let highest = most(&mut self.points.iter().flat_map(|(_, times)| times.iter().copied()));
        let (widest, highest) = (round_up(widest), round_up(highest));
        let x = |size: f64| MARGIN + (WIDTH - 2.0 * MARGIN) * size / widest;
        let y = |time: f64| HEIGHT - MARGIN + (2.0 * MARGIN - HEIGHT) * time / highest;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        for step in 0..=5 {
            let (size, time) = (widest * f64::from(step) / 5.0, highest * f64::from(step) / 5.0);
            let (left, right, at) = (x(0.0), x(widest), y(time));
            let _ = writeln!(svg, "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#ddd\"/>");
            let _ = writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{time:.0}</text>", left - 8.0, at + 4.0);
            let (across, below) = (x(size), y(0.0) + 18.0);
            let _ = writeln!(svg, "<text x=\"{across:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{size:.0}</text>");
        }
        for (index, name) in self.series.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let place = |(size, times): &(usize, Vec<f64>)| format!("{:.1},{:.1}", x(*size as f64), y(times[index]));
            let line: Vec<String> = self.points.iter().map(place).collect();
            let _ =
                writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", line.join(" "));
            let at = MARGIN + 4.0 + 16.0 * index as f64;
            let _ = writeln!(svg, "<text x=\"{}\" y=\"{at}\" fill=\"{colour}\">{name}</text>", MARGIN + 12.0);
        }
        let _ =
            writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", WIDTH / 2.0, HEIGHT - 16.0, self.size);
        let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"32\" text-anchor=\"end\">ms</text>\n</svg>");
        svg
    }
}

/// The next number of one digit and zeros.
fn round_up(value: f64) -> f64 {
    let digit = 10f64.powf(value.max(1.0).log10().floor());
    (value / digit).ceil().max(1.0) * digit
}
