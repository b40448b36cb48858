//! Drawings: positions and texts of rectangles.

use crate::{
    text::{bytes, cut, percent},
    treemap::{Rect, layout},
};

/// A drawn number with as few digits as it needs.
pub(crate) fn unit(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A part of a whole as the length of a bar of 100.
pub(crate) fn length(part: u64, whole: u64) -> String {
    unit((crate::text::ratio(part, whole) * 100.0).min(100.0))
}

/// Something that has a size, and parts of which each may have parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) parts: Vec<Node>,
    /// Something other than keys.
    pub(crate) plain: bool,
}

/// A rectangle of a tree map.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) width: String,
    pub(crate) height: String,
    /// The style of its color, and of its depth.
    pub(crate) class: String,
    /// The whole name and the size, for a pointer.
    pub(crate) title: String,
    /// What fits inside; empty if nothing does.
    pub(crate) label: String,
    pub(crate) size: String,
    pub(crate) text_x: String,
    pub(crate) text_y: String,
    pub(crate) size_y: String,
}

/// A tree map of a width and height.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    pub(crate) class: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) tiles: Vec<Tile>,
}

/// The number of colors.
const COLORS: usize = 8;
/// The width of a character of a label, on average, and the height of a line.
const LETTER: f64 = 6.6;
const LINE: f64 = 15.0;
/// What is smaller is not drawn.
const LEAST: f64 = 3.0;
/// Longer names are cut.
const MAX_TITLE: usize = 120;
/// Parts of parts are drawn this deep.
const DEEPEST: usize = 3;

impl Map {
    /// Draws `nodes`, the parts of `whole`.
    pub(crate) fn of(nodes: &[Node], whole: u64, class: &'static str, width: u32, height: u32) -> Self {
        let mut map = Self { class, width, height, tiles: Vec::new() };
        let area = Rect { width: f64::from(width), height: f64::from(height), ..Rect::default() };
        map.draw(nodes, whole, area, 0, None, whole);
        map
    }

    fn draw(&mut self, nodes: &[Node], of: u64, area: Rect, depth: usize, color: Option<usize>, whole: u64) {
        let sizes: Vec<_> = nodes.iter().map(|node| node.bytes).collect();
        for (place, (node, rect)) in nodes.iter().zip(layout(&sizes, of, area)).enumerate() {
            let rect = rect.inside(0.5, 0.0);
            if rect.width < LEAST || rect.height < LEAST {
                continue;
            }
            let color = color.unwrap_or(place % COLORS);
            let class = if node.plain { "plain".to_owned() } else { format!("c{color} d{depth}") };
            self.tiles.push(tile(node, rect, class, whole));
            let inner = rect.inside(2.0, LINE);
            if depth + 1 < DEEPEST && inner.width > 20.0 && inner.height > 12.0 {
                self.draw(&node.parts, node.bytes, inner, depth + 1, Some(color), whole);
            }
        }
    }
}

fn tile(node: &Node, rect: Rect, class: String, whole: u64) -> Tile {
    let letters = ((rect.width - 8.0) / LETTER).max(0.0) as usize;
    let size = bytes(node.bytes);
    let fits = letters >= 3 && rect.height >= LINE;
    let has_parts = !node.parts.is_empty();
    // In the head of a part that is divided up, the size stands beside the name.
    let label = if has_parts && letters > node.name.chars().count() + size.len() + 1 {
        format!("{} {size}", node.name)
    } else {
        node.name.clone()
    };
    let below = fits && !has_parts && rect.height >= 2.2 * LINE && letters >= size.len();
    Tile {
        x: unit(rect.x),
        y: unit(rect.y),
        width: unit(rect.width),
        height: unit(rect.height),
        class,
        title: format!("{}: {size}, {}", cut(&node.name, MAX_TITLE), percent(node.bytes, whole)),
        label: if fits { cut(&label, letters) } else { String::new() },
        size: if below { size } else { String::new() },
        text_x: unit(rect.x + 4.0),
        text_y: unit(rect.y + 12.0),
        size_y: unit(rect.y + 12.0 + LINE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_into_their_tiles() {
        let node = |name: &str, bytes| Node { name: name.to_owned(), bytes, ..Node::default() };
        let nodes = [node("a name that is far too long for its place", 50), node("b", 50), node("c", 1)];
        let map = Map::of(&nodes, 101, "wide", 200, 100);
        for tile in &map.tiles {
            let width: f64 = tile.width.parse().unwrap();
            assert!(tile.label.chars().count() as f64 * LETTER <= width, "{tile:?}");
        }
        assert_eq!(map.tiles[0].title, "a name that is far too long for its place: 50 B, 49.5 %");
    }
}
