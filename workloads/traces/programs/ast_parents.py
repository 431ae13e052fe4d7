"""Syntax trees whose nodes know their parents: constants are folded, names counted by scope, and the tree is let go."""
import ast
import collections


class Folding(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant):
            folded = ast.copy_location(ast.Constant(eval(ast.unparse(node))), node)
            folded.parent = node.parent
            return folded
        return node


def with_parents(tree):
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node
    return tree


def scope_of(node):
    while not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
        node = node.parent
    return getattr(node, "name", "module")


SOURCE = '''
class Account:
    RATE = 2 * 3 + 1
    def __init__(self, owner, cents=100 * 10):
        self.owner, self.cents, self.log = owner, cents, []
    def pay(self, other, cents):
        if cents > self.cents:
            raise ValueError("too little")
        self.cents -= cents
        other.cents += cents - cents // (100 * 10)
        self.log.append((other.owner, cents))
def total(accounts):
    return sum(a.cents for a in accounts if a.log) + 60 * 60
'''

names = collections.Counter()
for copy in range(12):
    tree = with_parents(ast.parse(SOURCE.replace("Account", f"Account{copy}")))
    tree = Folding().visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names[scope_of(node)] += 1
print(names.most_common(3))
